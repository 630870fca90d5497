// Copies what is to be copied, and shows what happens while the page is open. Without it everything works by reloading.
const lookAgainMilliseconds = 2000;

addEventListener('click', async event => {
  const button = event.target.closest('[data-copy]');
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.textContent = 'Copied';
  setTimeout(() => { button.textContent = 'Copy'; }, 1500);
});

const showCopyButtons = () => { for (const button of document.querySelectorAll('[data-copy]')) button.hidden = !navigator.clipboard; };
showCopyButtons();

const pause = document.querySelector('.pause');
const lively = document.querySelector('[data-live]') !== null;
pause.hidden = !lively;
pause.addEventListener('click', () => {
  const paused = pause.getAttribute('aria-pressed') !== 'true';
  pause.setAttribute('aria-pressed', `${paused}`);
});

// A part that somebody is in, or has chosen something in, is left alone.
const inUse = part => part.contains(document.activeElement)
  || [...part.querySelectorAll('select')].some(select => select.selectedIndex > 0 && !select.options[select.selectedIndex].defaultSelected);

const shown = new WeakMap();

async function lookAgain() {
  if (pause.getAttribute('aria-pressed') === 'true' || document.hidden) return;
  const answer = await fetch(location.pathname + location.search, { headers: { accept: 'text/html' } }).catch(() => null);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  for (const part of document.querySelectorAll('[data-live]')) {
    const next = fresh.querySelector(`[data-live="${CSS.escape(part.dataset.live)}"]`);
    if (next && next.innerHTML !== shown.get(part) && !inUse(part)) {
      shown.set(part, next.innerHTML);
      const open = part.querySelector('.older')?.open;
      part.replaceChildren(...next.childNodes);
      if (open) part.querySelector('.older')?.setAttribute('open', '');
    }
  }
}

if (lively) {
  for (const part of document.querySelectorAll('[data-live]')) shown.set(part, part.innerHTML);
  setInterval(lookAgain, lookAgainMilliseconds);
}
