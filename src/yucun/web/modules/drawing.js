// What every interactive twin needs: the library, fetched once and only when something is drawn; the page's colours; the wait until a figure is seen.
const library = document.querySelector("script[data-echarts]").dataset.echarts;
let loaded = null;

export function load() {
  loaded ??= import(library).then(() => globalThis.echarts);
  return loaded;
}

export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// Two values need no tool to be read; the still drawing is enough for them.
export function drawWhenSeen(name, draw) {
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      watch.unobserve(entry.target);
      draw(entry.target);
    }
  });
  for (const figure of document.querySelectorAll(`[data-${name}]`)) {
    if (JSON.parse(figure.dataset[name]).length > 2) watch.observe(figure);
  }
}
