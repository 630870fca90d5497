// The order's page follows the order: with each change the newer page's heading and article take the place of this one's. The browser resumes the stream by itself
// after an outage, and the stream begins with how the order stands.
const order = (page = document) => page.getElementById("order");
let told;
async function renew(sequence) {
  told = sequence;
  if (sequence === order().dataset.sequence) return;
  const answer = await fetch(location.href);
  if (!answer.ok) throw new Error(`The page answered ${answer.status}.`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  // What was told meanwhile brings a page of its own; an answer that was overtaken must not turn time back.
  if (told === sequence) for (const part of ["#order", "[role=status] h1"]) document.querySelector(part).replaceWith(page.querySelector(part));
}

function follow() {
  const changes = new EventSource(order().dataset.live);
  let again = () => { again = () => {}; changes.close(); setTimeout(follow, 2000); };
  changes.onmessage = change => renew(change.data).catch(() => again());
  changes.onerror = () => { if (changes.readyState === EventSource.CLOSED) again(); };
}
if (order()) follow();
