// Puts the keyboard on the first thing to do, so that Enter does it.
const home = document.querySelector("[data-first]");
const first = home && home.querySelector(home.dataset.first);
if (first) first.focus();
