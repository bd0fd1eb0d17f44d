// What could go, the heaviest first, with the reason and the way to build without it.

function findingsSection(analysis, contents) {
  const { findings } = analysis;
  const list = el('div', { class: 'findings' });
  const more = growing(findings, 30, (finding, index) => findingCard(finding, index, analysis, contents), list, ['finding']);
  const lead = findings.length
    ? 'No file is in two findings. Safe: no program that worked can notice. Likely: a service does not use it. Ask: only the owner of the image knows.'
    : 'Nothing was found that could go.';
  return section('findings', 'What could go', el('p', { class: 'lead' }, lead), list, more);
}

function findingCard(finding, index, analysis, contents) {
  const { total } = finding;
  const facts = [counted(total.files, 'file'), `${size(total.compressed_bytes)} compressed`];
  if (finding.action === 'tell') facts.push('slimml only tells of it');
  const parts = [
    el('header', null, badge(finding.risk), el('h3', null, finding.title),
      el('span', { class: 'bytes' }, el('strong', null, size(total.disk_bytes)), ` ${share(total.disk_bytes, analysis.image.disk_bytes)}`)),
    el('p', { class: 'faint' }, el('code', null, finding.rule), ` · ${facts.join(' · ')}`),
    el('p', null, finding.reason),
  ];
  if (finding.fix) parts.push(el('div', { class: 'fix' }, el('span', { class: 'faint' }, 'In the build: '), finding.fix));
  parts.push(detailsOf(finding, analysis));
  if (contents && total.files) {
    parts.push(el('button', { type: 'button', class: 'link', onclick: () => contents.reveal({ finding: index }) }, 'Show these files in the map'));
  }
  return el('article', { class: `finding ${finding.risk}` }, parts);
}

function detailsOf(finding, { layers }) {
  const whole = el('details', null, el('summary', null, 'Where it is'));
  const steps = finding.layers.map((part) => el('li', null, `layer ${part.index}: ${size(part.disk_bytes)} `,
    el('code', { class: 'path' }, commandOf(layers[part.index]).slice(0, 240))));
  if (steps.length) whole.append(el('ul', { class: 'plain' }, steps));
  if (finding.packages.length) whole.append(el('p', null, `Whole packages: ${finding.packages.slice(0, 60).join(', ')}`,
    finding.packages.length > 60 ? ` and ${number(finding.packages.length - 60)} more` : null));
  if (finding.biggest.length) {
    whole.append(el('ul', { class: 'plain paths' }, finding.biggest.map((one) =>
      el('li', null, el('span', { class: 'bytes' }, size(one.disk_bytes)), ' ', path(`/${one.path}`)))));
  }
  return whole;
}
