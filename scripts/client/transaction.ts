/** What the server says of its session in each OK packet. */
const IN_TRANSACTION = 0x0001;
const AUTOCOMMIT = 0x0002;

/** Whether what was done, or is done next, waits for somebody's COMMIT. */
export function waitsForCommit(serverStatus: number): boolean {
  return (serverStatus & IN_TRANSACTION) !== 0 || (serverStatus & AUTOCOMMIT) === 0;
}
