// A filter, a sort or a page of a table replaces only that table; without this file the same links load the page.
let latest = 0;
let shown = location.pathname + location.search;

async function swap(name, address, keepsHistory) {
  const mine = ++latest;
  const box = document.getElementById(name);
  box.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const found = fresh.getElementById(name);
    if (mine !== latest) return;
    if (!answer.ok || !found) return location.assign(address);
    box.replaceWith(document.adoptNode(found));
    const heading = fresh.querySelector("h1");
    if (heading) document.querySelector("h1").textContent = heading.textContent;
    if (keepsHistory) history.pushState({}, "", address);
    else history.replaceState({}, "", address);
    shown = location.pathname + location.search;
  } catch {
    location.assign(address);
  }
}

function addressOf(form) {
  const query = new URLSearchParams();
  for (const [key, value] of new FormData(form)) if (value) query.append(key, value);
  return `${form.getAttribute("action") || location.pathname}?${query}`;
}

export function swapTables(page) {
  page.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-swap]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    swap(link.dataset.swap, link.href, true);
  });
  for (const form of page.querySelectorAll("form[data-swap]")) {
    let waits = 0;
    const later = (delay) => {
      clearTimeout(waits);
      waits = setTimeout(() => swap(form.dataset.swap, addressOf(form), false), delay);
    };
    form.addEventListener("input", () => later(150));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      later(0);
    });
  }
  // Going back to another filter loads it; a jump within the page does not.
  window.addEventListener("popstate", () => location.pathname + location.search === shown || location.reload());
}
