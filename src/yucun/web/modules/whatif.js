// Figures that answer while they are moved: the server works out the answer, only the answer is replaced, and the address
// says what was supposed, so that it can be sent to somebody else. A newer question lets go of the one before.
const form = document.querySelector("[data-whatif]");
const undo = form.querySelector("[data-undo]");
const fields = [...form.querySelectorAll("[data-now]")];
const before = [];
let waits = 0;
let going = null;
let shown = addressOf();
let moving = "";

const rangeOf = (field) => form.querySelector(`[data-range="${field.name}"]`);

function addressOf() {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    const field = fields.find((one) => one.name === name);
    if (value !== "" && (!field || value !== field.dataset.now)) query.append(name, value);
  }
  const text = query.toString();
  return text ? `${location.pathname}?${text}` : location.pathname;
}

// On a phone the sentence stands at the foot, so that it is seen while a slider is moved.
function tell() {
  form.querySelector("[data-live]").textContent = document.querySelector("#answer .answer").textContent;
}

// The marks around a field: whether it was moved, how far the slider is, whether it can be put back.
function dress() {
  for (const field of fields) {
    const item = field.closest("[data-slide]");
    if (!item) continue;
    const isSet = field.value !== "" && field.value !== field.dataset.now;
    item.classList.toggle("is-set", isSet);
    const back = item.querySelector("[data-back]");
    if (back) back.hidden = !isSet;
    const range = rangeOf(field);
    if (!range) continue;
    if (range !== document.activeElement || range.dataset.leads !== "yes") range.value = field.value || range.min;
    const unit = item.querySelector(".unit").textContent;
    range.setAttribute("aria-valuetext", `${field.value || field.placeholder} ${unit}`.trim());
  }
}

async function ask(address) {
  going?.abort();
  going = new AbortController();
  const answerNow = document.getElementById("answer");
  answerNow.setAttribute("aria-busy", "true");
  const join = address.includes("?") ? "&" : "?";
  try {
    const answer = await fetch(`${address}${join}part=answer`, { headers: { Accept: "text/html" }, signal: going.signal });
    if (answer.status === 409) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("answer");
    if (!fresh) return location.assign(address);
    const open = [...answerNow.querySelectorAll("details")].map((one) => one.open);
    document.getElementById("answer").replaceWith(document.adoptNode(fresh));
    fresh.querySelectorAll("details").forEach((one, n) => (one.open = open[n] ?? false));
    history.replaceState({}, "", address);
    shown = address;
    tell();
  } catch (error) {
    if (error.name !== "AbortError") location.assign(address);
  }
}

function changed(delay) {
  dress();
  clearTimeout(waits);
  waits = setTimeout(() => ask(addressOf()), delay);
}

function remember(name) {
  // One drag of one slider is one step back.
  if (name && name === moving) return;
  moving = name;
  if (before.at(-1) !== shown) before.push(shown);
  undo.disabled = false;
}

function read(address) {
  const query = new URL(address, location.href).searchParams;
  for (const field of fields) field.value = query.get(field.name) ?? field.dataset.now;
  const disabled = form.querySelector('[name="disabled"]');
  disabled.checked = query.get("disabled") === "1";
}

form.addEventListener("input", (event) => {
  const range = event.target.closest("[data-range]");
  const name = range ? range.dataset.range : event.target.name;
  remember(name);
  if (range) {
    range.dataset.leads = "yes";
    document.getElementById(`n-${name}`).value = range.value;
  }
  changed(range ? 60 : 250);
});
form.addEventListener("change", () => {
  moving = "";
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  changed(0);
});
form.addEventListener("click", (event) => {
  const back = event.target.closest("[data-back]");
  if (!back) return;
  remember("");
  const field = document.getElementById(`n-${back.dataset.back}`);
  field.value = field.dataset.now;
  field.focus();
  changed(0);
});

function go(address) {
  read(address);
  dress();
  clearTimeout(waits);
  ask(address);
}

form.querySelector("[data-reset]").addEventListener("click", (event) => {
  event.preventDefault();
  remember("");
  go(event.currentTarget.getAttribute("href"));
});

function goBack() {
  moving = "";
  const address = before.pop();
  undo.disabled = before.length === 0;
  if (address) go(address);
}

undo.addEventListener("click", goBack);
document.addEventListener("keydown", (event) => {
  if (event.altKey && event.key.toLowerCase() === "z") {
    event.preventDefault();
    goBack();
  }
});

undo.hidden = false;
form.querySelector("[data-ask]").hidden = true;
for (const range of form.querySelectorAll("[data-range]")) range.hidden = false;
dress();
tell();
