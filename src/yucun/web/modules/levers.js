// Sliders that answer at once: the server works out the answer, only the answer is replaced, the address carries the state.
const form = document.querySelector("[data-levers]");
const undo = form.querySelector("[data-undo]");
const before = [];
let latest = 0;
let waits = 0;
let shown = location.pathname + location.search;

// Whatever stands where the figure stands says nothing, so that a link holds only what was set.
function addressOf() {
  const query = new URLSearchParams();
  for (const [key, value] of new FormData(form)) {
    const slider = form.querySelector(`input[type="range"][name="${key}"]`);
    if (slider && (slider.dataset.mine !== "yes" || value === slider.dataset.now)) continue;
    if (value) query.append(key, value);
  }
  return `${location.pathname}?${query}`;
}

function take(fresh, keeps) {
  for (const name of ["answer", "every"]) {
    document.getElementById(name).replaceWith(document.adoptNode(fresh.getElementById(name)));
  }
  for (const next of fresh.querySelectorAll("[data-slider]")) {
    const here = document.querySelector(`[data-slider="${next.dataset.slider}"]`);
    if (!here) return location.assign(addressOf());
    here.className = next.className;
    here.querySelector(".slider-figure").replaceWith(document.adoptNode(next.querySelector(".slider-figure")));
    const slider = here.querySelector("input");
    const wanted = next.querySelector("input");
    slider.setAttribute("aria-valuetext", wanted.getAttribute("aria-valuetext"));
    if (slider !== keeps) slider.value = wanted.getAttribute("value");
    here.querySelector('[data-to=""]').disabled = !next.classList.contains("is-set");
  }
}

async function ask(address, keeps) {
  const mine = ++latest;
  document.getElementById("answer").setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine !== latest) return;
    if (!answer.ok || !fresh.getElementById("answer")) return location.assign(address);
    take(fresh, keeps);
    history.replaceState({}, "", address);
    shown = location.pathname + location.search;
  } catch {
    location.assign(address);
  }
}

function changed(keeps, delay) {
  clearTimeout(waits);
  waits = setTimeout(() => ask(addressOf(), keeps), delay);
}

function remember() {
  if (before.at(-1) !== shown) before.push(shown);
  undo.disabled = false;
}

function read(address) {
  const query = new URL(address, location.href).searchParams;
  for (const slider of form.querySelectorAll('input[type="range"]')) {
    const set = query.get(slider.name);
    slider.dataset.mine = set === null ? "no" : "yes";
    slider.value = set ?? slider.dataset.now;
  }
}

form.addEventListener("input", (event) => {
  if (event.target.type !== "range") return;
  if (event.target.dataset.mine !== "moving") remember();
  event.target.dataset.mine = "yes";
  changed(event.target, 40);
});
form.addEventListener("change", (event) => {
  // Another city or another set of indicators is another page of sliders.
  if (event.target.type !== "range") location.assign(addressOf());
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  changed(null, 0);
});
form.addEventListener("click", (event) => {
  const button = event.target.closest("[data-set]");
  if (!button) return;
  const slider = document.getElementById(`set-${button.dataset.set}`);
  remember();
  slider.dataset.mine = button.dataset.to ? "yes" : "no";
  slider.value = button.dataset.to || slider.dataset.now;
  changed(null, 0);
});
form.querySelector("[data-reset]").addEventListener("click", (event) => {
  event.preventDefault();
  remember();
  const address = event.currentTarget.getAttribute("href");
  read(address);
  ask(address, null);
});

function goBack() {
  const address = before.pop();
  undo.disabled = before.length === 0;
  if (!address) return;
  read(address);
  ask(address, null);
}

undo.addEventListener("click", goBack);
document.addEventListener("keydown", (event) => {
  if (event.altKey && event.key.toLowerCase() === "z") {
    event.preventDefault();
    goBack();
  }
});

read(location.href);
undo.hidden = false;
form.querySelector("[data-ask]").hidden = true;
for (const button of form.querySelectorAll("[data-set]")) button.hidden = false;
// Followers stand where they follow to, not where the address says nothing of them.
for (const item of form.querySelectorAll(".follows input")) item.value = item.getAttribute("value");
