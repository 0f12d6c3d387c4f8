/** A label that an expression uses, and the values it is compared with; none for grouping. */
export interface LabelUse {
  readonly label: string;
  readonly operator: string;
  readonly value: string;
}

/** `name{label="value"}` in an expression. */
export interface Selector {
  readonly metric: string;
  readonly labels: readonly LabelUse[];
}

export interface PromqlNames {
  readonly selectors: readonly Selector[];
  /** Labels in by, on, ignoring, group_left and the like. */
  readonly grouping: readonly string[];
}

const GROUPING = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right']);
const OPERATORS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan']);
const TOKEN =
  /\s+|#[^\n]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\[[^\]]*\]|(?:\d[\w.]*)|[A-Za-z_:][\w:]*|=~|!~|!=|==|>=|<=|[-+*/%^=<>(){},@]/gy;
const WORD = /^[A-Za-z_:]/;

/**
 * The metric names and labels of an expression. Not a parser: `promtool`
 * decides whether it is PromQL. This extracts the names, to compare them with
 * the exposed metrics.
 * @throws Error at a character that PromQL does not have
 */
export function promqlNames(expression: string): PromqlNames {
  const tokens = tokenize(expression);
  const selectors: Selector[] = [];
  const grouping: string[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (!WORD.test(token)) continue;
    if (GROUPING.has(token.toLowerCase())) {
      if (tokens[i + 1] !== '(') continue;
      const end = tokens.indexOf(')', i);
      grouping.push(...tokens.slice(i + 2, end).filter((word) => WORD.test(word)));
      i = end;
      continue;
    }
    // A function, or an aggregation with its grouping in front.
    if (tokens[i + 1] === '(' || OPERATORS.has(token.toLowerCase()) || GROUPING.has(tokens[i + 1]?.toLowerCase())) continue;
    const labels: LabelUse[] = [];
    if (tokens[i + 1] === '{') {
      for (i += 2; tokens[i] !== '}' && i < tokens.length; i++) {
        if (!WORD.test(tokens[i])) continue;
        labels.push({ label: tokens[i], operator: tokens[i + 1], value: unquote(tokens[i + 2]) });
        i += 2;
      }
    }
    selectors.push({ metric: token, labels });
  }
  return { selectors, grouping };
}

/** The tokens that are not space, comment or range. */
function tokenize(expression: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < expression.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(expression);
    if (match === null) throw new Error(`no PromQL at "${expression.slice(at, at + 20)}"`);
    if (!/^[\s#[]/.test(match[0])) tokens.push(match[0]);
  }
  return tokens;
}

function unquote(text: string): string {
  return text.slice(1, -1).replaceAll('\\\\', '\\');
}
