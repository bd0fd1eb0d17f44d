// What an optimize run did: both images side by side, the proof, what went by rule, and the ledger.

const PAGE_ROWS = 50;
const DONE_WORDS = [null, 'removed', 'linked', 'edited', 'made smaller'];

function doneSection(data, forest) {
  const { report, steps, kept, notes } = data.head.done;
  const proven = report.verified;
  return section('done', 'Before and after',
    el('p', { class: `verdict ${proven ? 'good' : 'doubt'}` }, el('span', { 'aria-hidden': 'true' }, proven ? '✓ ' : '! '), report.verification),
    sidesOf(report), proofOf(report.proof), keptOf(kept), stepsOf(steps),
    notes.length ? el('details', null, el('summary', null, counted(notes.length, 'note')), el('ul', { class: 'plain' }, notes.map((note) => el('li', null, note)))) : null,
    el('h3', null, 'Ledger'),
    el('p', { class: 'lead' }, 'Every entry that was changed, and why. The file itself is at ', el('code', { class: 'path' }, report.ledger), '.'),
    ledgerOf(data, forest));
}

function sidesOf(report) {
  const stored = report.plain ? ['tars', 'tar_bytes'] : ['compressed', 'compressed_bytes'];
  const pairs = [['on disk', 'disk_bytes'], stored].map(([name, key]) => {
    const [old, now] = [report.before[key], report.after[key]];
    const bar = (words, value, kind) => el('div', { class: 'side' }, el('span', { class: 'faint' }, words),
      el('span', { class: 'bar', 'aria-hidden': 'true' }, el('span', { class: kind, style: { width: `${(100 * value) / Math.max(1, old, now)}%` } })),
      el('strong', null, size(value)));
    return el('div', { class: 'pair' }, el('h3', null, name, el('span', { class: 'less' }, `${share(old - now, old)} less`)),
      bar('before', old, 'fill-before'), bar('after', now, 'fill-after'));
  });
  return el('div', { class: 'pairs' }, pairs,
    el('p', { class: 'faint' }, 'The result is ', el('code', { class: 'path' }, report.result.reference), '.'));
}

function proofOf(proof) {
  if (!proof) return null;
  return el('details', null, el('summary', null, `${counted(proof.probes.length, 'probe')} asked of both images`),
    el('ul', { class: 'plain' }, proof.probes.map((probe) => el('li', null, probe.name,
      probe.ignored.length ? el('span', { class: 'faint' }, ` not compared: ${probe.ignored.join('; ')}`) : null))),
    proof.not_checked.map((words) => el('p', { class: 'faint' }, `not checked: ${words}`)));
}

function keptOf(kept) {
  if (!kept.length) return null;
  return el('details', null, el('summary', null, `${counted(kept.length, 'part')} put back, because the image turned out to need them`),
    el('ul', { class: 'plain' }, kept.map((one) => el('li', null, `${one.name} (${size(one.disk_bytes)}): ${one.reason}`))));
}

function stepsOf(steps) {
  const columns = [{ title: 'Rule' }, { title: 'Why' }, { title: 'On disk', number: true }, { title: 'Compressed', number: true }, { title: 'Entries', number: true }];
  const rows = steps.map((step) => el('tr', null,
    el('th', { scope: 'row' }, el('code', null, step.rule), ' ', badge(step.risk)),
    el('td', { class: 'wide' }, step.reason),
    el('td', { class: 'number' }, size(step.disk_bytes)),
    el('td', { class: 'number' }, size(step.compressed_bytes)),
    el('td', { class: 'number' }, number(step.dropped + step.linked + step.edited + step.replaced))));
  return [el('h3', null, 'What went, by rule'), table('What went, by rule', columns, rows)];
}

function ledgerOf(data, forest) {
  const { c } = forest;
  const entries = Uint32Array.from(c.done_row, (_, i) => i);
  const saved = (i) => c.size[c.done_row[i]] - c.done_after[i];
  entries.sort((a, b) => saved(b) - saved(a));
  const body = el('tbody');
  const count = el('span', { class: 'faint', 'aria-live': 'polite' });
  const back = el('button', { type: 'button' }, 'Previous');
  const next = el('button', { type: 'button' }, 'Next');
  let found = entries;
  let at = 0;
  const draw = () => {
    body.replaceChildren(...Array.from(found.subarray(at, at + PAGE_ROWS), (i) => ledgerRow(data, forest, i, saved(i))));
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
    scrolling('Ledger', el('table', { class: 'ledger' }, el('caption', { class: 'unseen' }, 'Ledger'), el('thead', null, el('tr', null, heads)), body)),
  ];
}

function ledgerRow(data, forest, i, less) {
  const row = forest.c.done_row[i];
  const why = data.head.done.reasons[forest.c.done_why[i]];
  return el('tr', null,
    el('td', { class: 'wide' }, path(forest.pathOf(row)), el('span', { class: 'faint' }, ` layer ${forest.layer[row]}`)),
    el('td', null, DONE_WORDS[forest.c.done[i]]),
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
