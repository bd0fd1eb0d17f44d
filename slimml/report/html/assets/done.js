// What an optimize run did: both images side by side, the proof, and what went by rule.

function doneSection(data) {
  const { report, steps, kept, notes } = data.head.done;
  const proven = report.verified;
  return section('done', 'Before and after',
    el('p', { class: `verdict ${proven ? 'good' : 'doubt'}` }, el('span', { 'aria-hidden': 'true' }, proven ? '✓ ' : '! '), report.verification),
    sidesOf(report), proofOf(report.proof), keptOf(kept), stepsOf(steps),
    notes.length ? el('details', null, el('summary', null, counted(notes.length, 'note')), el('ul', { class: 'plain' }, notes.map((note) => el('li', null, note)))) : null);
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
  return [el('div', { class: 'pairs' }, pairs),
    report.result.reference ? el('p', { class: 'faint' }, 'The result is ', el('code', { class: 'path' }, report.result.reference), '.') : null];
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
    el('th', { scope: 'row', class: 'whole' }, el('code', null, step.rule), ' ', badge(step.risk)),
    el('td', { class: 'wide' }, step.reason),
    el('td', { class: 'number' }, size(step.disk_bytes)),
    el('td', { class: 'number' }, size(step.compressed_bytes)),
    el('td', { class: 'number' }, number(step.dropped + step.linked + step.edited + step.replaced))));
  return [el('h3', null, 'What went, by rule'), table('What went, by rule', columns, rows)];
}
