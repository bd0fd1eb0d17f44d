// Every entry that an optimize run changed, the heaviest first, some at a time.

const PAGE_ROWS = 25;
const DONE_WORDS = [null, 'removed', 'linked', 'edited', 'made smaller'];

function ledgerSection(data, forest) {
  return section('ledger', 'Ledger',
    el('p', { class: 'lead' }, 'Every entry that was changed, and why. It is kept as ', el('code', { class: 'path' }, data.head.done.report.ledger), '.'),
    ledgerOf(data, forest));
}

function ledgerOf(data, forest) {
  const { c } = forest;
  const entries = Uint32Array.from(c.done_row, (_, i) => i);
  const saved = Float64Array.from(c.done_row, (row, i) => c.size[row] - c.done_after[i]);
  entries.sort((a, b) => saved[b] - saved[a]);
  const body = el('tbody');
  const count = el('span', { class: 'faint', 'aria-live': 'polite' });
  const back = el('button', { type: 'button' }, 'Previous');
  const next = el('button', { type: 'button' }, 'Next');
  let found = entries;
  let at = 0;
  const draw = () => {
    body.replaceChildren(...Array.from(found.subarray(at, at + PAGE_ROWS), (i) => ledgerRow(data, forest, i, saved[i])));
    count.textContent = found.length ? `${number(at + 1)} to ${number(Math.min(found.length, at + PAGE_ROWS))} of ${counted(found.length, 'entry', 'entries')}` : 'no entry matches';
    back.disabled = at === 0;
    next.disabled = at + PAGE_ROWS >= found.length;
  };
  const turn = (rows) => { at += rows; draw(); };
  back.onclick = () => turn(-PAGE_ROWS);
  next.onclick = () => turn(PAGE_ROWS);
  let waiting = 0;
  const words = el('input', { type: 'search', placeholder: 'path or rule', autocomplete: 'off', spellcheck: 'false' });
  words.oninput = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { found = ledgerMatching(data, forest, entries, words.value); at = 0; draw(); }, 160);
  };
  draw();
  const heads = [['Path'], ['Done'], ['Rule'], ['Less', 'number']].map(([title, kind]) => el('th', { scope: 'col', class: kind || null }, title));
  return [
    el('div', { class: 'controls' }, el('label', { class: 'search' }, el('span', null, 'Only entries with'), words), back, next, count),
    scrolling('Table: Ledger', el('table', { class: 'ledger' }, el('caption', { class: 'unseen' }, 'Ledger'), el('thead', null, el('tr', null, heads)), body)),
  ];
}

function ledgerRow(data, forest, i, less) {
  const row = forest.c.done_row[i];
  const why = data.head.done.reasons[forest.c.done_why[i]];
  return el('tr', null,
    el('td', { class: 'wide' }, path(forest.pathOf(row)), el('span', { class: 'faint' }, ` layer ${forest.layer[row]}`)),
    el('td', { class: 'whole' }, DONE_WORDS[forest.c.done[i]]),
    el('td', { title: why.reason }, el('code', null, why.rule)),
    el('td', { class: 'number' }, size(less)));
}

function ledgerMatching(data, forest, entries, words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  if (!wanted.length) return entries;
  const rules = data.head.done.reasons.map((why) => why.rule.toLowerCase());
  return entries.filter((i) => {
    const text = `${forest.pathOf(forest.c.done_row[i]).toLowerCase()} ${rules[forest.c.done_why[i]]}`;
    return wanted.every((word) => text.includes(word));
  });
}
