import { Gauge, Registry } from 'prom-client';
import type { Numbers } from '../index';

type Value = number | boolean | Readonly<Record<string, number>>;

/** The name after order_timeout_, the help, the value, and its label where it has several. */
type Metric = readonly [string, string, (numbers: Numbers) => Value, string?];

const METRICS: readonly Metric[] = [
  [
    'last_sweep_timestamp_seconds',
    'When a sweep last came to its end, in Unix time; 0: never.',
    ({ lastSweepAt }) => (lastSweepAt?.getTime() ?? 0) / 1000,
  ],
  ['paused', '1: the sweep is paused.', ({ paused }) => paused],
  [
    'takes_writes',
    '1: the sweep belongs on this server; 0: a replica, or not the primary of its group.',
    ({ takesWrites }) => takesWrites,
  ],
  ['scheduler_on', '1: the event scheduler of MySQL is on.', ({ schedulerOn }) => schedulerOn],
  ['event_enabled', '1: order_timeout_tick is enabled.', ({ eventEnabled }) => eventEnabled],
  [
    'due_orders',
    'Orders that the next sweep would cancel, counted no further than 10000 of each source type.',
    ({ dueOrders }) => dueOrders,
  ],
  [
    'oldest_overdue_seconds',
    'How long the oldest of the due orders is past its time.',
    ({ overdueSeconds }) => overdueSeconds,
  ],
  [
    'failed_orders',
    'Orders that the sweep could not cancel: to be tried again, or set aside.',
    ({ failedOrders, quarantinedOrders }) => ({
      retrying: failedOrders,
      quarantined: quarantinedOrders,
    }),
    'state',
  ],
  ['held_orders', 'Orders on hold.', ({ heldOrders }) => heldOrders],
  ['open_findings', 'What a person has to look at.', ({ openFindings }) => openFindings],
  ['late_payments', 'Payments to be sent back.', ({ latePayments }) => latePayments],
  ['owed_refunds', 'Refunds that the sweep has still to give.', ({ owed }) => owed],
  [
    'last_hour_runs',
    'Runs begun in the last hour that did something.',
    ({ runsCompleted, runsOutOfTime, runsFailed, runsInterrupted }) => ({
      completed: runsCompleted,
      out_of_time: runsOutOfTime,
      failed: runsFailed,
      interrupted: runsInterrupted,
    }),
    'outcome',
  ],
  [
    'last_hour_cancelled_orders',
    'Orders cancelled by those runs.',
    ({ ordersCancelled }) => ordersCancelled,
  ],
  [
    'last_hour_returned',
    'What those runs gave back, by the kinds of the shop file: minor units, points or pieces.',
    ({ returned }) =>
      Object.fromEntries(Object.entries(returned).map(([kind, amount]) => [kind, Number(amount)])),
    'kind',
  ],
];

/** Prometheus' text format. `database`: the label that tells shops apart. */
export async function toPrometheus(numbers: Numbers, database: string): Promise<string> {
  const registry = new Registry();
  registry.setDefaultLabels({ database });
  for (const [name, help, value, label] of METRICS) {
    const labelNames = label === undefined ? [] : [label];
    const gauge = new Gauge({
      name: `order_timeout_${name}`,
      help,
      labelNames,
      registers: [registry],
    });
    const measured = value(numbers);
    if (typeof measured !== 'object') gauge.set(Number(measured));
    else for (const [key, one] of Object.entries(measured)) gauge.set({ [label ?? '']: key }, one);
  }
  return registry.metrics();
}
