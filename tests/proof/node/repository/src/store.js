/** Entries by day. */
export class Store {
  #days = new Map();

  async add(day, duration) {
    this.#days.set(day, [...(await this.of(day)), duration]);
  }

  async of(day) {
    return this.#days.get(day) ?? [];
  }

  get size() {
    return this.#days.size;
  }
}
