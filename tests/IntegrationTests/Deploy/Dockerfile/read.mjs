// Reads the Dockerfile that is named; prints its instructions and what is amiss, as JSON.
import { readFileSync } from 'node:fs';
import { DockerfileParser } from 'dockerfile-ast';
import { validate } from 'dockerfile-utils';

const text = readFileSync(process.argv[2], 'utf8');
const instructions = DockerfileParser.parse(text).getInstructions()
  .map(i => ({ keyword: i.getKeyword(), arguments: i.getArguments().map(a => a.getValue()), flags: i.getFlags?.().map(f => f.toString()) ?? [] }));
const problems = validate(text).map(p => `line ${p.range.start.line + 1}: ${p.message}`);
process.stdout.write(JSON.stringify({ instructions, problems }));
