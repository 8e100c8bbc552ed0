// A sample file from the schemas: every key with its purpose and its default, commented out.
import { stringify } from 'yaml';
import { variableOf } from './config-environment.ts';
import type { KeySchema, Sections } from './config-schema.ts';

const WIDTH = 100;

/** The sample file's text. `intro` is its first comment. */
export function sampleConfig(sections: Sections, intro: string): string {
  const parts = Object.entries(sections).map(([section, schema]) => {
    const description = (schema as KeySchema).description;
    const keys = Object.entries(schema.properties).map(([key, keySchema]) =>
      sampleKey(section, key, keySchema as KeySchema),
    );
    return `${description === undefined ? '' : comment(description, '')}${section}:\n${keys.join('\n')}`;
  });
  return `${comment(intro, '')}\n${parts.join('\n')}`;
}

function sampleKey(section: string, key: string, schema: KeySchema): string {
  const choices = (schema.anyOf ?? []).map((option) => option.const).filter((choice) => choice !== undefined);
  const text = [
    schema.description ?? '',
    ...(choices.length > 0 ? [`One of ${choices.join(', ')}.`] : []),
    `(${variableOf(section, key)})`,
  ].join(' ');
  const value = schema.default === undefined ? '' : stringify(schema.default, { collectionStyle: 'flow' }).trim();
  return `${comment(text, '  ')}  #${key}:${value === '' ? '' : ` ${value}`}\n`;
}

function comment(text: string, indent: string): string {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < WIDTH - indent.length)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => `${indent}# ${line}\n`).join('');
}
