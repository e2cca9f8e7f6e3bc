import type { Connection } from 'mysql2/promise';

/** A connection that is lost after so many statements, as when the process that deploys is killed. */
export function crashingAfter(db: Connection, statements: number): Connection {
  let left = statements;
  return new Proxy(db, {
    get(target, property) {
      if (property !== 'query') return Reflect.get(target, property) as unknown;
      return async (...args: Parameters<Connection['query']>) => {
        if (left === 0) {
          target.destroy();
          throw new Crash();
        }
        left -= 1;
        return target.query(...args);
      };
    },
  });
}

export class Crash extends Error {}
