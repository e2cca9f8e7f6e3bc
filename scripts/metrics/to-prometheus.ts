import { Gauge, Registry } from 'prom-client';
import type { Numbers } from '../client/order-timeout-numbers';

/** Prometheus' text format. `database`: the label that tells shops apart. */
export async function toPrometheus(numbers: Numbers, database: string): Promise<string> {
  const registry = new Registry();
  registry.setDefaultLabels({ database });
  const gauge = (name: string, help: string, value: number) => {
    new Gauge({ name: `order_timeout_${name}`, help, registers: [registry] }).set(value);
  };
  const labelled = (name: string, help: string, label: string, values: Record<string, number>) => {
    const one = new Gauge({
      name: `order_timeout_${name}`,
      help,
      labelNames: [label],
      registers: [registry],
    });
    for (const [key, value] of Object.entries(values)) one.set({ [label]: key }, value);
  };

  gauge(
    'last_sweep_timestamp_seconds',
    'When a sweep last came to its end, in Unix time; 0: never.',
    (numbers.lastSweepAt?.getTime() ?? 0) / 1000,
  );
  gauge('paused', '1: the sweep is paused.', Number(numbers.paused));
  gauge(
    'takes_writes',
    '1: this server takes writes, so the sweep belongs here; 0: a replica, or not the primary of its group.',
    Number(numbers.takesWrites),
  );
  gauge('scheduler_on', '1: the event scheduler of MySQL is on.', Number(numbers.schedulerOn));
  gauge('event_enabled', '1: order_timeout_tick is enabled.', Number(numbers.eventEnabled));
  gauge(
    'due_orders',
    'Orders that the next sweep would cancel, counted no further than 10000 of each source type.',
    numbers.dueOrders,
  );
  gauge(
    'oldest_overdue_seconds',
    'How long the oldest of the due orders is past its time.',
    numbers.overdueSeconds,
  );
  labelled(
    'failed_orders',
    'Orders that the sweep could not cancel: to be tried again, or set aside.',
    'state',
    { retrying: numbers.failedOrders, quarantined: numbers.quarantinedOrders },
  );
  gauge('held_orders', 'Orders on hold.', numbers.heldOrders);
  gauge(
    'cut_short_calls',
    'Calls that were killed half-way and are completed by the next cancel of the same order.',
    numbers.cutShortCalls,
  );
  labelled('last_hour_runs', 'Runs begun in the last hour that did something.', 'outcome', {
    completed: numbers.lastHour.runs.completed,
    out_of_time: numbers.lastHour.runs.outOfTime,
    failed: numbers.lastHour.runs.failed,
    interrupted: numbers.lastHour.runs.interrupted,
  });
  gauge(
    'last_hour_cancelled_orders',
    'Orders cancelled by those runs.',
    numbers.lastHour.ordersCancelled,
  );
  gauge(
    'last_hour_coupon_refunded_minor_units',
    'Coupon money given back by those runs, in minor units.',
    Number(numbers.lastHour.couponRefunded),
  );
  gauge(
    'last_hour_points_refunded',
    'Points given back by those runs.',
    Number(numbers.lastHour.pointsRefunded),
  );
  return await registry.metrics();
}
