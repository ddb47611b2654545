// The duty desk: clocks that count, moves by one key, and both windows in step; without this file links and forms do the same.
const desk = document.querySelector("[data-duty]");
const home = desk.dataset.duty;
// The city's own time: what the page said when it was made, and how long ago that was.
const ahead = new Date(desk.dataset.now).getTime() - Date.now();
let latest = 0;
let waits = 0;
// Parts of the page that are older than what was heard, until a fresh one is in their place; and what a person opens.
const owed = new Set();
let opening = "";

function isOff() {
  return localStorage.getItem("yucun.keys") === "off";
}

function tell(span) {
  const word = desk.dataset;
  const seconds = Math.floor(Math.abs(span) / 1000);
  const [d, h, m, s] = [Math.floor(seconds / 86400), Math.floor((seconds % 86400) / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  if (d) return `${d} ${word.days} ${h} ${word.hours}`;
  if (h) return `${h} ${word.hours} ${m} ${word.minutes}`;
  return `${m} ${word.minutes} ${s} ${word.seconds}`;
}

function count() {
  const now = Date.now() + ahead;
  for (const clock of document.querySelectorAll("[data-due]")) {
    const left = new Date(clock.dataset.due).getTime() - now;
    clock.textContent = `${left < 0 ? desk.dataset.late : desk.dataset.left} ${tell(left)}`;
    clock.classList.toggle("bad", left < 0);
    clock.classList.toggle("soon", left >= 0 && left < 7200000);
  }
}

// What a person is filling in is never taken away: the case is swapped only while nothing is open or written.
function isBusy() {
  const open = document.querySelector("#case details[open] textarea, #case details[open] input:not([type=hidden]), #case details[open] select");
  return Boolean(open);
}

function swap(fresh, name) {
  const [old, found] = [document.getElementById(name), fresh.getElementById(name)];
  if (!old || !found) return;
  const picked = new Set([...old.querySelectorAll(".pick:checked")].map((box) => box.value.split("@")[0]));
  old.replaceWith(document.adoptNode(found));
  showBoxes();
  for (const box of found.querySelectorAll(".pick")) box.checked = picked.has(box.value.split("@")[0]);
}

// Picking several needs this file, so the boxes are there only with it.
function showBoxes() {
  for (const box of document.querySelectorAll(".pick")) box.hidden = !document.querySelector("[data-bulk-box]");
}

async function load(names) {
  for (const name of names) owed.add(name);
  const mine = ++latest;
  const focus = document.activeElement?.closest("[data-case]")?.dataset.case;
  const address = opening || addressHere();
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (mine !== latest) return;
  if (!fresh.getElementById("queue")) return location.assign(address);
  // What a move was answered with is told until the next move or case.
  const told = opening ? [] : [...document.getElementById("notices").childNodes];
  // Asked only now: somebody may have begun to fill in while the answer was on its way.
  for (const name of owed) {
    if (name === "case" && !opening && isBusy()) continue;
    swap(fresh, name);
    owed.delete(name);
  }
  if (told.length) document.getElementById("notices").replaceChildren(...told);
  opening = "";
  if (focus) document.querySelector(`[data-case="${focus}"] a`)?.focus();
  count();
}

function chosen() {
  return document.querySelector("[data-case-title]")?.dataset.no;
}

function addressHere() {
  const query = new URLSearchParams(location.search);
  query.delete("done");
  if (chosen()) query.set("case", chosen());
  return `${home}?${query}`;
}

async function open(link) {
  history.pushState({}, "", link.href);
  opening = link.href;
  await load(["queue", "case"]);
  document.querySelector("[data-case-title]")?.focus({ preventScroll: matchMedia("(min-width: 62rem)").matches });
}

async function send(form) {
  const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "follow" });
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!fresh.getElementById("queue")) return location.reload();
  latest++;
  if (answer.ok || !form.closest("#case")) for (const name of ["head", "queue", "case"]) swap(fresh, name);
  else swap(fresh, "notices");
  // What was heard meanwhile may be newer than this answer.
  if (owed.size) load([]);
  count();
  document.querySelector(answer.ok ? "[data-case-title]" : "#notices .notice")?.scrollIntoView({ block: "nearest" });
  if (answer.ok) document.querySelector("[data-case-title]")?.focus({ preventScroll: true });
}

function walk(step) {
  const links = [...document.querySelectorAll("[data-queue] a[data-open]")];
  if (!links.length) return;
  const focused = links.indexOf(document.activeElement);
  const here = focused >= 0 ? focused : links.findIndex((link) => link.getAttribute("aria-current"));
  links[Math.min(Math.max(here + step, 0), links.length - 1)].focus();
}

function make(form) {
  const details = form.querySelector("details");
  if (!details) return form.requestSubmit();
  details.open = true;
  form.querySelector("select, textarea, input:not([type=hidden])").focus();
}

function press(event) {
  const form = event.target.closest("form.move");
  if (event.key === "Escape" && form?.querySelector("details")?.open) {
    form.querySelector("details").open = false;
    document.querySelector("[data-case-title]").focus();
    return event.preventDefault();
  }
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form) {
    event.preventDefault();
    return event.target.form.requestSubmit();
  }
  const writes = event.target.closest("input:not([type=checkbox]), select, textarea, dialog");
  if (writes || event.ctrlKey || event.metaKey || event.altKey || isOff()) return;
  // "g" begins a jump to another page; the letter after it is not ours.
  if (event.key === "g") return (waits = event.timeStamp);
  if (waits && event.timeStamp - waits < 1500) return (waits = 0);
  if (event.key === "j" || event.key === "ArrowDown") walk(1);
  else if (event.key === "k" || event.key === "ArrowUp") walk(-1);
  else {
    const wanted = document.querySelector(`#case form.move[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
    if (!wanted) return;
    make(wanted);
  }
  event.preventDefault();
}

document.addEventListener("keydown", press);
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-open]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(link);
});
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("[data-bulk-form]")) {
    for (const old of form.querySelectorAll("[name=pick]")) old.remove();
    for (const box of document.querySelectorAll(".pick:checked")) {
      const field = document.createElement("input");
      field.type = "hidden";
      field.name = "pick";
      field.value = box.value;
      form.append(field);
    }
    if (!form.querySelector("[name=pick]")) return event.preventDefault();
  }
  if (!form.matches("form.move, [data-bulk-form]")) return;
  event.preventDefault();
  send(form);
});
window.addEventListener("popstate", () => {
  opening = location.href;
  load(["queue", "case"]);
});
// A form that is closed again makes room for what moved while it was open.
document.addEventListener("toggle", () => owed.size && !isBusy() && load([]), true);

const all = document.querySelector("[data-pick-all]");
showBoxes();
if (all) {
  document.querySelector("[data-bulk-box]").hidden = all.hidden = false;
  all.addEventListener("click", () => {
    const boxes = [...document.querySelectorAll(".pick")];
    const some = boxes.some((box) => !box.checked);
    for (const box of boxes) box.checked = some;
  });
}

// Filters that a person keeps, in their own browser.
const saved = document.querySelector("[data-saved]");
const shelf = `yucun.filters${home}`;
function showSaved() {
  const kept = JSON.parse(localStorage.getItem(shelf) ?? "[]");
  saved.replaceChildren(
    ...kept.flatMap(({ name, query }, at) => {
      const link = document.createElement("a");
      link.href = `${home}?${query}`;
      link.textContent = name;
      const remove = document.createElement("button");
      remove.type = "button";
      remove.className = "plain";
      remove.textContent = "×";
      remove.setAttribute("aria-label", `${saved.dataset.remove} ${name}`);
      remove.addEventListener("click", () => keep(kept.filter((_, one) => one !== at)));
      return [link, remove];
    }),
  );
  const save = document.createElement("button");
  save.type = "button";
  save.className = "plain";
  save.textContent = saved.dataset.word;
  save.addEventListener("click", () => {
    const query = new URLSearchParams([...new FormData(document.getElementById("filter"))].filter(([, value]) => value));
    const name = [...query.values()].join(" ") || saved.dataset.name;
    keep([...kept.filter((one) => one.name !== name), { name, query: String(query) }]);
  });
  saved.append(save);
}
function keep(filters) {
  localStorage.setItem(shelf, JSON.stringify(filters));
  showSaved();
}
if (saved) {
  saved.hidden = false;
  showSaved();
}

// Both windows in step: the server says which cases moved, and the page reads itself again.
const state = document.querySelector("[data-live-state]");
const source = new EventSource(`${home}/live`);
let asked = 0;
let seen = Number(desk.dataset.seq);
function hear(names) {
  for (const name of names) owed.add(name);
  clearTimeout(asked);
  asked = setTimeout(load, 40, []);
}
source.addEventListener("error", () => (state.textContent = state.dataset.off));
source.addEventListener("stands", (event) => {
  const { seq } = JSON.parse(event.data);
  state.textContent = state.dataset.on;
  // What happened before anybody listened, or while the line was down.
  if (seq > seen) hear(["head", "queue", "case"]);
  seen = Math.max(seen, seq);
});
source.addEventListener("moved", (event) => {
  const { seq, cases } = JSON.parse(event.data);
  seen = Math.max(seen, seq);
  hear(cases.includes(Number(chosen())) ? ["head", "queue", "case"] : ["head", "queue"]);
});
window.addEventListener("pagehide", () => source.close());

count();
setInterval(count, 1000);
