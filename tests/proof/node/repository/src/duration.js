/** Minutes of a text like `1h30m`. */
export function minutes(text) {
  const match = /^(?:(\d+)h)?(?:(\d+)m)?$/.exec(text);
  if (!match) throw new RangeError(`no duration: ${text}`);
  return Number(match[1]) * 60 + Number(match[2] ?? 0);
}

/** A text like `1h30m` for minutes. */
export function text(minutes) {
  const hours = Math.floor(minutes / 60);
  return `${hours}h${minutes % 60}m`;
}
