// Asks every second how far the residents are, and shows the page once they are there.
async function ask() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("gathering");
  if (!fresh) return location.reload();
  document.getElementById("gathering").replaceChildren(...fresh.childNodes);
  setTimeout(ask, 1000);
}

setTimeout(ask, 1000);
