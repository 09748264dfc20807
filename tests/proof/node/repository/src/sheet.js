import { minutes } from './duration.js';

/** All durations together, in minutes. */
export function total(durations) {
  return durations.map(minutes).reduce((sum, one) => sum + one, 0);
}

/** What is paid for minutes by an hourly rate, in cents. */
export function pay(minutes, rate) {
  return Math.floor((minutes / 60) * rate);
}

/** The first so many entries, longest first. */
export function longest(entries, count = 1) {
  return entries.sort((one, two) => minutes(two) - minutes(one)).slice(0, count);
}
