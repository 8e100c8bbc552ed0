// The text of docs/carillon.sample.yaml.
import { sampleConfig } from '@carillon/platform/config/config-sample.ts';
import { sections } from './config-sections.ts';

const INTRO = `Every setting of Carillon with its default. Copy what you change into carillon.yaml beside package.json, or
into a file that you name with --config or CARILLON_CONFIG. Each key can also be set by the environment variable in
brackets, which wins over the file. A secret may be kept in a file of its own: write KEY_file (or VARIABLE_FILE) with its path.`;

export const sampleText = (): string => sampleConfig(sections, INTRO);
