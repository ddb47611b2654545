// The wall: one section at a time, turned every twenty seconds; it can be held, and holds by itself where motion is unwelcome.
const SECONDS = 20;

export function turnWall(page) {
  if (page.documentElement.dataset.view !== "wall") return;
  const sections = [...page.querySelectorAll("[data-wall]")];
  const bar = page.querySelector("[data-wall-bar]");
  const hold = page.querySelector("[data-wall-pause]");
  const count = page.querySelector("[data-wall-count]");
  let at = 0;
  let held = matchMedia("(prefers-reduced-motion: reduce)").matches;

  const show = (next) => {
    at = (next + sections.length) % sections.length;
    sections.forEach((section, i) => (section.hidden = i !== at));
    count.textContent = `${at + 1} / ${sections.length}`;
  };
  const label = () => (hold.textContent = held ? hold.dataset.run : hold.dataset.pause);

  bar.hidden = false;
  hold.addEventListener("click", () => {
    held = !held;
    label();
  });
  page.querySelector("[data-wall-next]").addEventListener("click", () => show(at + 1));
  page.addEventListener("keydown", (event) => {
    if (event.key === "ArrowRight") show(at + 1);
    if (event.key === "ArrowLeft") show(at - 1);
  });
  setInterval(() => held || show(at + 1), SECONDS * 1000);
  label();
  show(0);
}
