// The order's page follows the order: with each change the newer page's heading and article take the place of this one's. The browser resumes the stream by itself
// after an outage, and the stream begins with how the order stands.
const order = () => document.getElementById("order");

async function renew(sequence) {
  if (sequence === order().dataset.sequence) return;
  const answer = await fetch(location.href);
  if (!answer.ok) throw new Error(`The page answered ${answer.status}.`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of ["#order", "[role=status] h1"]) document.querySelector(part).replaceWith(page.querySelector(part));
}

function follow() {
  const changes = new EventSource(order().dataset.live);
  changes.onmessage = change => renew(change.data).catch(() => { changes.close(); setTimeout(follow, 2000); });
  changes.onerror = () => { if (changes.readyState === EventSource.CLOSED) setTimeout(follow, 2000); };
}

if (order()) follow();
