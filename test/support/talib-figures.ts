import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Bar } from '../../feeds/analysis/indicators/indicator.ts';

const PYTHON = join(import.meta.dirname, '..', '..', '.venv', 'bin', 'python');
const SCRIPT = join(import.meta.dirname, 'talib_figures.py');

/** Why TA-Lib is not asked, or false. */
export const WITHOUT_TALIB = hasTalib() || process.env.OPENBELL_CI === '1' ? false : skipped();

/** Of each indicator: for each of its values those of all bars; null: none yet. */
export type Figures = Readonly<Record<string, readonly (readonly (number | null)[])[]>>;

/** The figures of TA-Lib itself. */
export function talibFigures(bars: readonly Bar[], indicators: readonly string[]): { version: string; figures: Figures } {
  const column = (field: 'high' | 'low' | 'close' | 'volume' | 'notional') => bars.map((bar) => bar[field]);
  const columns = {
    high: column('high'),
    low: column('low'),
    close: column('close'),
    volume: column('volume'),
    notional: column('notional'),
  };
  const asked = { bars: columns, indicators };
  return JSON.parse(execFileSync(PYTHON, [SCRIPT], { input: JSON.stringify(asked), encoding: 'utf8', maxBuffer: 2 ** 28 }));
}

function hasTalib(): boolean {
  if (!existsSync(PYTHON)) return false;
  try {
    execFileSync(PYTHON, ['-c', 'import talib'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function skipped(): string {
  const reason = 'SKIPPED: no TA-Lib: python3 -m venv .venv && .venv/bin/pip install TA-Lib==0.8.2';
  process.stderr.write(`${reason}\n`);
  return reason;
}
