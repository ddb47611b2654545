// Keys: "/" finds, "?" shows the list, "g" and a letter goes to a page. All can be switched off.
const PAGES = { c: "/", s: "/service", w: "/duty", n: "/numbers", l: "/lake", o: "/open", r: "/lake/correct", d: "/docs" };
const SWITCH = "yucun.keys";

function isOff() {
  return localStorage.getItem(SWITCH) === "off";
}

export function readKeys(page) {
  const dialog = page.getElementById("keys");
  const opener = page.querySelector("[data-keys]");
  const off = page.querySelector("[data-keys-off]");
  let waits = 0;

  opener.hidden = false;
  opener.addEventListener("click", () => dialog.showModal());
  off.checked = isOff();
  off.addEventListener("change", () => localStorage.setItem(SWITCH, off.checked ? "off" : "on"));

  page.addEventListener("keydown", (event) => {
    const writes = event.target.closest("input, select, textarea, [contenteditable]");
    if (writes || event.ctrlKey || event.metaKey || event.altKey || isOff()) return;
    if (event.key === "/") {
      const find = page.getElementById("find");
      if (!find) return;
      event.preventDefault();
      find.focus();
    } else if (event.key === "?") {
      event.preventDefault();
      if (!dialog.open) dialog.showModal();
    } else if (event.key === "g") {
      waits = event.timeStamp;
    } else if (event.timeStamp - waits < 1500 && PAGES[event.key] && waits) {
      waits = 0;
      location.assign(PAGES[event.key]);
    }
  });
}
