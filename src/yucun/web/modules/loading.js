// Asks every half second how far a load is, and goes to the landing's page when it is there.
async function ask() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (answer.redirected) return location.assign(answer.url);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("loading");
  document.getElementById("loading").replaceChildren(...fresh.childNodes);
  if (fresh.querySelector("progress")) setTimeout(ask, 500);
}

setTimeout(ask, 500);
