import { Gauge, Registry } from 'prom-client';
import type { Numbers } from '../index';

type Value = number | boolean | Readonly<Record<string, number>>;

/** The name after order_timeout_, the help, the value, and its label where it has several. */
type Metric = readonly [string, string, Value, string?];

const metricsOf = (now: Numbers): readonly Metric[] => [
  [
    'last_sweep_timestamp_seconds',
    'When a sweep last came to its end, in Unix time; 0: never.',
    (now.lastSweepAt?.getTime() ?? 0) / 1000,
  ],
  ['paused', '1: the sweep is paused.', now.paused],
  [
    'takes_writes',
    '1: the sweep belongs on this server; 0: a replica, or not the primary of its group.',
    now.takesWrites,
  ],
  ['scheduler_on', '1: the event scheduler of MySQL is on.', now.schedulerOn],
  ['event_enabled', '1: order_timeout_tick is enabled.', now.eventEnabled],
  [
    'due_orders',
    'Orders that the next sweep would cancel, counted no further than 10000 of each source type.',
    now.dueOrders,
  ],
  [
    'oldest_overdue_seconds',
    'How long the oldest of the due orders is past its time.',
    now.overdueSeconds,
  ],
  [
    'failed_orders',
    'Orders that the sweep could not cancel: to be tried again, or set aside.',
    { retrying: now.failedOrders, quarantined: now.quarantinedOrders },
    'state',
  ],
  ['held_orders', 'Orders on hold.', now.heldOrders],
  ['open_findings', 'What a person has to look at.', now.openFindings],
  ['late_payments', 'Payments to be sent back.', now.latePayments],
  ['owed_refunds', 'Refunds that the sweep has still to give.', now.owed],
  [
    'last_hour_runs',
    'Runs begun in the last hour that did something.',
    {
      completed: now.runsCompleted,
      out_of_time: now.runsOutOfTime,
      failed: now.runsFailed,
      interrupted: now.runsInterrupted,
    },
    'outcome',
  ],
  ['last_hour_cancelled_orders', 'Orders cancelled by those runs.', now.ordersCancelled],
  [
    'last_hour_returned',
    'What those runs gave back, by the kinds of the shop file: minor units, points or pieces.',
    Object.fromEntries(
      Object.entries(now.returned).map(([kind, amount]) => [kind, Number(amount)]),
    ),
    'kind',
  ],
];

/** Prometheus' text format. `database`: the label that tells shops apart. */
export async function toPrometheus(numbers: Numbers, database: string): Promise<string> {
  const registry = new Registry();
  registry.setDefaultLabels({ database });
  for (const [suffix, help, value, label] of metricsOf(numbers)) {
    const name = `order_timeout_${suffix}`;
    const labelNames = label === undefined ? [] : [label];
    const gauge = new Gauge({ name, help, labelNames, registers: [registry] });
    if (typeof value !== 'object') gauge.set(Number(value));
    else for (const [key, one] of Object.entries(value)) gauge.set({ [label ?? '']: key }, one);
  }
  return registry.metrics();
}
