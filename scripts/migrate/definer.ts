/** The account that the engine's objects run as: one a server, nobody can log in as it. */
export const DEFINER_USER = 'order_timeout';
export const DEFINER_HOST = 'localhost';

/** As information_schema writes it. */
export const DEFINER_ACCOUNT = `${DEFINER_USER}@${DEFINER_HOST}`;

/** As SQL writes it. */
export const DEFINER_SQL = `'${DEFINER_USER}'@'${DEFINER_HOST}'`;

/** The hash that MySQL's own locked accounts have: no password hashes to it. */
const NO_PASSWORD = '$A$005$THISISACOMBINATIONOFINVALIDSALTANDPASSWORDTHATMUSTNEVERBRBEUSED';

export const CREATE_DEFINER =
  `CREATE USER IF NOT EXISTS ${DEFINER_SQL}\n` +
  `    IDENTIFIED WITH caching_sha2_password AS '${NO_PASSWORD}'\n` +
  `    ACCOUNT LOCK\n` +
  `    COMMENT 'The procedures and the event of order-timeout run as this account; nobody logs in as it'`;

/** Held while the account is made or dropped: the account is the server's, deployments are a schema's. */
export const DEFINER_LOCK = 'order_timeout_definer';

/** Whose privileges the objects have: those of the account above, or of whoever deploys. */
export type Definer = 'dedicated' | 'deployer';

export function definerSql(definer: Definer): string {
  return definer === 'dedicated' ? DEFINER_SQL : 'CURRENT_USER';
}
