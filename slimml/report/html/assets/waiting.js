// How long people wait: the way from pull to first answer for each image and link, and every figure of bench.

function waitingSection(waiting) {
  const look = phaseLook(waiting.groups.flatMap((group) => group.bars.flatMap((bar) => bar.phases.map(([name]) => name))));
  return section('waiting', 'Pull and start',
    el('p', { class: 'lead' }, 'Medians of interleaved rounds; the line under a bar is the 95 % interval of its whole.'),
    waiting.doubts.filter((one) => one.kind !== 'remark').map((one) => el('p', { class: 'verdict doubt' }, '! ', one.words)),
    waiting.groups.length ? phaseLegend(look) : null,
    waiting.groups.map((group) => groupOf(group, look)),
    el('h3', null, 'Figures'), lettersOf(waiting), waiting.tables.map(figuresOf),
    el('p', { class: 'faint' }, `Measured from ${waiting.began} on ${waiting.host.join(', ')}.`),
    waiting.doubts.filter((one) => one.kind === 'remark').map((one) => el('p', { class: 'faint' }, one.words)));
}

function groupOf(group, look) {
  const whole = (bar) => bar.phases.reduce((sum, [, value]) => sum + value, 0);
  const most = Math.max(...group.bars.map((bar) => Math.max(bar.high, whole(bar)))) * 1.02 || 1;
  const rows = group.bars.map((bar) => {
    const total = whole(bar);
    const interval = bar.high > bar.low ? ` (${seconds(bar.low)} to ${seconds(bar.high)})` : '';
    return el('li', null,
      el('div', { class: 'line' }, el('span', { class: 'path name' }, bar.label), el('span', { class: 'bytes' }, el('strong', null, seconds(total)), interval)),
      phaseBar(bar.phases, most, look, [bar.low, bar.high]),
      el('p', { class: 'faint' }, bar.phases.map(([name, value]) => `${name} ${seconds(value)}`).join(' · ')));
  });
  return el('div', { class: 'group' }, el('h3', null, group.title, group.remark ? el('span', { class: 'less' }, group.remark) : null),
    el('ol', { class: 'bars' }, rows), secondScale(most));
}

function lettersOf(waiting) {
  return el('ul', { class: 'plain' }, waiting.images.map((name, index) =>
    el('li', null, el('strong', null, String.fromCharCode(65 + index)), ' ', path(name))));
}

function figuresOf(found) {
  const columns = [{ title: found.title }, ...found.columns.map((title) => ({ title, number: true }))];
  const rows = found.rows.map(([name, ...cells]) => el('tr', null, el('th', { scope: 'row' }, name),
    found.columns.map((_, index) => el('td', { class: 'number' }, cells[index] || ''))));
  return table(found.title, columns, rows, 'figures');
}
