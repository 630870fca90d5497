// What moves on the shopper's pages. Every page works without it; the server says what to show, this only shows it sooner.
const $ = (selector, from = document) => from.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];

// A form is sent once, however often its button is pressed.
for (const form of all('form[data-once]')) {
  let sent = false;
  form.addEventListener('submit', event => {
    if (sent) return event.preventDefault();
    sent = true;
    $('button', form).setAttribute('aria-disabled', 'true');
  });
  // Coming back to a page that the browser kept: the button works again.
  addEventListener('pageshow', event => {
    if (!event.persisted) return;
    sent = false;
    $('button', form).removeAttribute('aria-disabled');
  });
}

// A hand-over that is a form posts itself.
const handOver = $('form[data-submit]');
if (handOver) handOver.submit();

// Time left counts from what the server said when it made the page; the clock of this machine may be wrong.
const clock = () => performance.now() / 1000;
let counting = [], looking;
function count() {
  for (const c of counting) {
    const left = Math.max(0, Math.round(c.left - (clock() - c.since)));
    const [days, hours, minutes, seconds] = [left / 86400 | 0, left / 3600 | 0, (left / 60 | 0) % 60, left % 60];
    const two = n => String(n).padStart(2, '0');
    c.element.textContent = days >= 2 ? `${days} days` : hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
    c.element.toggleAttribute('data-soon', left < 120);
    if (left === 0 && !c.over) { c.over = true; setTimeout(refresh, 1500); }
  }
}
// The month in words and the day before it, as mails write it, and in the clock of whoever looks.
const localTime = (at) => `${at.toLocaleDateString('en-GB', { dateStyle: 'long' })}, ${at.toLocaleTimeString('en-GB', { timeStyle: 'short' })}`;

function dress(part) {
  counting = all('[data-left]').map(element => ({ element, left: Number(element.dataset.left), since: clock(), over: element.dataset.left === '0' }));
  for (const time of all('time[data-local]', part))
    time.textContent = localTime(new Date(time.dateTime));
  // What is waited for may come without news of it.
  clearTimeout(looking);
  const asking = $('[data-again]');
  if (asking) looking = setTimeout(refresh, asking.dataset.again * 1000);
  count();
}
dress(document);
setInterval(count, 1000);

// The page of an order that is being watched.
const place = $('[data-live]');
let shown = place ? Number(place.dataset.sequence) : 0;
let refreshing = null, again = false;

// What was heard of counts when it is shown, and not before: whoever comes back asks for all that came after that.
function refresh() {
  if (!place || place.dataset.part === undefined) return location.reload();
  again = true;
  return refreshing ??= follow();
}
// Asks, in ever longer pauses, until there is an answer that is newer than all that was heard.
async function follow() {
  for (let failures = 0; again; ) {
    again = false;
    if (await look()) { failures = 0; continue; }
    again = true;
    await pause(failures++);
  }
  refreshing = null;
}
async function look() {
  try {
    const answer = await fetch(place.dataset.part, { cache: 'no-store', signal: AbortSignal.timeout(30000) });
    // The order is not there any more, as after a restored backup, or its link is too old; the page of such an order says so.
    if (answer.status === 404 || answer.status === 401) location.reload();
    return answer.ok && show(await answer.text());
  } catch { return false; }
}

function show(html) {
  const fresh = document.createElement('template');
  fresh.innerHTML = html;
  const at = Number($('[data-at]', fresh.content)?.dataset.at);
  // It is none of ours, whoever on the way made it.
  if (Number.isNaN(at)) return false;
  // An answer that was overtaken by a later one must not turn time back.
  if (at < shown) return true;
  shown = at;
  const before = $('[data-situation]', place), headline = $('h1', fresh.content).textContent;
  const changed = before.dataset.situation !== $('[data-situation]', fresh.content).dataset.situation || $('h1', before).textContent !== headline;
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  const open = all('details[open]', place).length > 0;
  place.replaceChildren(fresh.content);
  if (open) for (const fold of all('details', place)) fold.open = true;
  dress(place);
  guard();
  // The focus stays where it was; on what is no longer there, it goes to the headline.
  if (focused) ([...place.querySelectorAll(focused.tagName)].find(e => e.textContent === focused.textContent) ?? $('h1', place)).focus();
  if (!changed) return true;
  document.title = headline;
  $('#said').textContent = headline + '. ' + all('.situation > p:not(.amount)', place).map(p => p.textContent).join(' ');
  return true;
}

// Live: a socket that resumes after the last event; where sockets fail, a long poll; in between ever longer pauses, never all at once.
const state = $('#connection');
function connected(yes) {
  if (!state) return;
  state.textContent = yes ? state.dataset.on : state.dataset.off;
  state.dataset.state = yes ? 'on' : 'off';
}
const pause = attempt => new Promise(done => {
  const timer = setTimeout(end, Math.min(30, 2 ** attempt) * 1000 * (0.5 + Math.random() / 2));
  function end() { clearTimeout(timer); removeEventListener('online', end); done(); }
  addEventListener('online', end);
});
// With less than there was, as after a restored backup, all begins anew.
function heard(sequence, rewound) {
  if (rewound) shown = 0;
  else if (sequence <= shown) return;
  if (place.dataset.reload !== undefined) return location.reload();
  return refresh();
}
function bySocket() {
  return new Promise(done => {
    let opened = false, quiet;
    const address = new URL(`${place.dataset.live}?after=${shown}`, location);
    address.protocol = address.protocol.replace('http', 'ws');
    const socket = new WebSocket(address, ['purser.v1', `token.${place.dataset.token}`]);
    // The server's heart beats every 25 seconds; a minute of silence is a dead line.
    const alive = () => { clearTimeout(quiet); quiet = setTimeout(() => socket.close(), 60000); };
    const offline = () => socket.close();
    addEventListener('offline', offline);
    alive();
    socket.onopen = () => { opened = true; connected(true); alive(); };
    socket.onmessage = message => { alive(); const { sequence, type } = JSON.parse(message.data); heard(sequence, type === 'rewound'); };
    socket.onclose = () => { clearTimeout(quiet); removeEventListener('offline', offline); done(opened); };
  });
}
async function byPoll(wait) {
  const answer = await fetch(`${place.dataset.live}?after=${shown}&wait=${wait}&token=${place.dataset.token}`, { cache: 'no-store', signal: AbortSignal.timeout(60000) });
  if (!answer.ok) throw new Error(answer.status);
  connected(true);
  const { sequence, rewound } = await answer.json();
  await heard(sequence, rewound);
  // Asked again at once, it would say the same at once.
  if (shown < sequence) throw new Error('not shown');
}
async function watch() {
  for (let attempt = 0, failures = 0, polls = 0; ; ) {
    // A socket that never opened is tried again only now and then: something on the way does not let it through.
    const trySocket = 'WebSocket' in window && failures % 5 < 2;
    try {
      if (trySocket) {
        if (await bySocket()) { attempt = failures = 0; connected(navigator.onLine); }
        else failures++;
      } else {
        // The first is answered at once and shows that this way is open.
        await byPoll(polls++ ? 25 : 0);
        attempt = 0;
        failures++;
        continue;
      }
    } catch { failures++; polls = 0; }
    if (!trySocket || !navigator.onLine) connected(false);
    await pause(attempt++);
  }
}
if (place) {
  watch();
  // A phone that slept, or a page that the browser kept, first looks how things stand.
  addEventListener('pageshow', event => { if (event.persisted) refresh(); });
  document.addEventListener('visibilitychange', () => { if (!document.hidden && place.dataset.part !== undefined) refresh(); });
}

// Leaving is asked about only while money is on its way, and never otherwise.
const dialog = $('#leave');
const guarded = () => !!place && !!$('[data-guard]', place);
const ask = event => event.preventDefault();
let fenced = false;
function guard() {
  removeEventListener('beforeunload', ask);
  if (!guarded()) { if (dialog?.open) dialog.close(); return; }
  addEventListener('beforeunload', ask);
  if (!fenced && dialog) { fenced = true; history.pushState({ fence: true }, ''); }
}
if (dialog) {
  addEventListener('popstate', () => {
    if (!fenced) return;
    fenced = false;
    if (guarded()) { fenced = true; history.pushState({ fence: true }, ''); dialog.showModal(); }
    else history.back();
  });
  $('[data-stay]').addEventListener('click', () => dialog.close());
  $('[data-leave]').addEventListener('click', () => {
    removeEventListener('beforeunload', ask);
    fenced = false;
    history.go(-2);
  });
  guard();
}

const copy = $('#copy');
if (copy && navigator.clipboard) {
  copy.hidden = false;
  copy.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      const words = $('span', copy), before = words.textContent;
      words.textContent = copy.dataset.done;
      $('#said').textContent = copy.dataset.done;
      setTimeout(() => { words.textContent = before; }, 3000);
    } catch { /* The address bar still has it. */ }
  });
}
