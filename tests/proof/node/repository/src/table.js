/** Rows as lines, their first column filled up. */
export function table(rows) {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)} ${value}`).join('\n') + '\n';
}

/** A name that is fit for a file. */
export function slug(name) {
  return name.toLowerCase().replace(' ', '-');
}
