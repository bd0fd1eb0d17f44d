// What parts of the image are called.

// What a node is called where its kind is not told beside it.
function nameOf(forest, node) {
  if (node.kind === 'layer') return `${node.name}  ${commandOf(forest.layers[node.key])}`;
  return node.kind === 'directory' ? `${node.name}/` : node.name;
}

// A build step in one line, without what every builder writes around it.
function commandOf(layer) {
  const words = layer.command.replace(/\s+/g, ' ').trim();
  return words.replace(/^\/bin\/sh -c (#\(nop\) +)?/, '').replace(/^RUN \/bin\/sh -c /, 'RUN ').replace(/ # buildkit$/, '');
}
