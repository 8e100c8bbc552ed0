// A command: says what is wrong with the configuration, or `ok` and what is in effect, secrets hidden. `--sample` prints a sample file.
import { ConfigError, describeConfig } from '@carillon/platform/config.ts';
import { loadConfig } from './config.ts';
import { sampleText } from './config-sample.ts';
import { sections } from './config-sections.ts';

function check(): void {
  try {
    const loaded = loadConfig();
    for (const warning of loaded.warnings) console.log(`warning: ${warning}`);
    console.log(`${describeConfig(sections, { ...loaded, faults: [] })}\nok`);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

if (process.argv.includes('--sample')) process.stdout.write(sampleText());
else check();
