// Tells loom what each test of node:test came to: one JSON object per line.
const most = 20000;
const cut = (text) => {
  const whole = String(text ?? '');
  return whole.length <= most ? whole : `${whole.slice(0, most / 2)}\n[... cut ...]\n${whole.slice(-most / 2)}`;
};

const told = (error) => {
  if (!error) return null;
  const cause = error.cause instanceof Error || (error.cause && typeof error.cause === 'object') ? error.cause : undefined;
  const inner = cause ?? error;
  return {
    type: error.failureType ?? null,
    name: inner.name ?? null,
    code: inner.code ?? error.code ?? null,
    message: cut(cause ? (inner.message ?? inner) : (typeof error.cause === 'string' ? error.cause : error.message)),
    stack: cut(inner.stack ?? ''),
    exit: error.exitCode ?? null,
    signal: error.signal ?? null,
  };
};

export default async function* loom(source) {
  for await (const { type, data } of source) {
    if (type === 'test:pass' || type === 'test:fail') {
      yield `${JSON.stringify({
        k: type.slice(5),
        name: data.name,
        nesting: data.nesting,
        file: data.file ?? null,
        kind: data.details?.type ?? null,
        ms: data.details?.duration_ms ?? null,
        skip: data.skip ?? null,
        todo: data.todo ?? null,
        error: told(data.details?.error),
      })}\n`;
    } else if (type === 'test:dequeue' || type === 'test:complete') {
      // The name and place of what begins and ends, told at once; results wait for the order of the report.
      yield `${JSON.stringify({ k: type.slice(5), name: data.name, nesting: data.nesting, file: data.file ?? null, line: data.line ?? null })}\n`;
    } else if (type === 'test:stderr' || type === 'test:stdout') {
      yield `${JSON.stringify({ k: type.slice(5), file: data.file ?? null, text: cut(data.message) })}\n`;
    } else if (type === 'test:plan' && data.nesting === 0) {
      yield `${JSON.stringify({ k: 'plan', count: data.count })}\n`;
    } else if (type === 'test:start' && data.nesting === 0) {
      yield `${JSON.stringify({ k: 'start', name: data.name, file: data.file ?? null })}\n`;
    }
  }
  yield `${JSON.stringify({ k: 'end' })}\n`;
}
