// Every layer with the command that made it, what it weighs and how much of it could go.

function layersSection(analysis, contents) {
  const most = Math.max(1, ...analysis.layers.map((layer) => layer.total.disk_bytes));
  const columns = [
    { title: 'Layer' }, { title: 'Made by' }, { title: 'On disk', number: true }, { title: 'Compressed', number: true },
    { title: 'Could go', number: true }, { title: 'Files', number: true },
  ];
  const rows = analysis.layers.map((layer) => {
    const { total, reclaimable } = layer;
    const show = el('button', { type: 'button', class: 'link', title: 'Show in the map', onclick: () => contents.reveal({}, layer.index) }, String(layer.index));
    const bar = meter([
      ['fill-stays', (total.disk_bytes - reclaimable.disk_bytes) / most],
      ['fill-likely', reclaimable.disk_bytes / most],
    ]);
    return el('tr', null,
      el('th', { scope: 'row' }, show),
      el('td', { class: 'wide' }, commandCell(layer), lineOf(layer, analysis.dockerfile), bar),
      el('td', { class: 'number' }, size(total.disk_bytes)),
      el('td', { class: 'number' }, size(total.compressed_bytes)),
      el('td', { class: 'number' }, reclaimable.disk_bytes ? size(reclaimable.disk_bytes) : '–'),
      el('td', { class: 'number' }, number(total.files)));
  });
  return section('layers', 'Layers', el('p', { class: 'lead' }, 'From the bottom up, as they are pulled.'),
    table('Layers', columns, rows, 'layers'));
}

function commandCell(layer) {
  const words = commandOf(layer) || 'unknown: the history does not say';
  if (words.length <= 180) return el('code', { class: 'command path' }, words);
  return el('details', { class: 'command' },
    el('summary', null, el('code', { class: 'path' }, `${words.slice(0, 150)}…`)),
    el('pre', { tabindex: '0', 'aria-label': `Command of layer ${layer.index}` }, layer.command.trim()));
}

function lineOf(layer, dockerfile) {
  if (!layer.made_by) return null;
  const from = layer.made_by.inherited ? 'inherited by' : 'made by';
  return el('div', { class: 'faint' }, `${from} ${dockerfile}, line ${layer.made_by.line}`);
}
