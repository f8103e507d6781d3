import { defineStatement, rfc3339 } from "../../shared/postgres/statement.ts";

// Statements of operators on the outbox of order events: `npm run events`.

/**
 * Each event of an order with its state: 'waiting', 'published' or 'refused' for `reason`. The
 * order ended for `end_reason`.
 */
export const ORDER_HISTORY = defineStatement({
  name: "order_history",
  kind: "select",
  text: `select owner.user_id, event.seq::int4, event.status,
      ${rfc3339("event.at")} as at,
      event.traceparent,
      case
        when refused.seq is not null then 'refused'
        when sent.waiting then 'waiting'
        else 'published'
      end as state,
      event.reason as end_reason, refused.reason
    from order_events event
    join orders owner on owner.order_id = event.order_id
    left join outbox_refused refused
      on refused.order_id = event.order_id and refused.seq = event.seq
    left join (
      select seq, bool_or(published_at is null) as waiting from outbox
      where order_id = $1::int8 group by seq
    ) sent on sent.seq = event.seq
    where event.order_id = $1::int8
    order by event.seq`,
  parameters: ["int8"],
  columns: {
    user_id: "int8",
    seq: "int4",
    status: "text",
    at: "text",
    traceparent: "text",
    state: "text",
    end_reason: "text?",
    reason: "text?",
  },
});

/**
 * Puts events since $1 (RFC 3339) from the history back into the outbox: the $2 oldest, and those
 * of the same time as the last of them, except waiting and refused ones. Returns their number, and
 * the time of the next one.
 */
export const EVENTS_REPLAY = defineStatement({
  name: "events_replay",
  kind: "update",
  text: `with oldest as (
      select event.*, owner.user_id from order_events event
      join orders owner on owner.order_id = event.order_id
      where event.at >= $1::text::timestamptz
        and not exists (select from outbox_refused refused
          where refused.order_id = event.order_id and refused.seq = event.seq)
        and not exists (select from outbox waiting where waiting.published_at is null
          and waiting.order_id = event.order_id and waiting.seq = event.seq)
      order by event.at fetch first ($2::int4) rows with ties
    ), again as (
      insert into outbox (order_id, user_id, seq, status, at, traceparent, reason)
      select order_id, user_id, seq, status, at, traceparent, reason from oldest
      order by at, order_id, seq
      returning 1
    )
    select (select count(*)::int4 from again) as events,
      (select ${rfc3339("min(event.at)", "US")}
        from order_events event where event.at > (select max(at) from oldest)) as next`,
  parameters: ["text", "int4"],
  columns: { events: "int4", next: "text?" },
});

/** The $1 oldest refused events. */
export const REFUSED_EVENTS = defineStatement({
  name: "refused_events",
  kind: "select",
  text: `select order_id, seq::int4, reason,
      ${rfc3339("refused_at")} as refused_at
    from outbox_refused order by outbox_refused.refused_at, order_id, seq limit $1::int4`,
  parameters: ["int4"],
  columns: { order_id: "int8", seq: "int4", reason: "text", refused_at: "text" },
});

/**
 * Puts the $1 events that were refused first back into the outbox, once each, and returns how many
 * once that is on every synchronous replica.
 */
export const REFUSED_REPLAY = defineStatement({
  name: "refused_replay",
  kind: "update",
  text: `with oldest as (
      select order_id, seq from outbox_refused
      order by refused_at, order_id, seq limit $1::int4 for update
    ), back as (
      delete from outbox_refused refused using oldest
      where refused.order_id = oldest.order_id and refused.seq = oldest.seq
      returning refused.order_id, refused.seq
    ), again as (
      insert into outbox (order_id, user_id, seq, status, at, traceparent, reason)
      select event.order_id, owner.user_id, event.seq, event.status, event.at, event.traceparent,
        event.reason
      from back
      join order_events event on event.order_id = back.order_id and event.seq = back.seq
      join orders owner on owner.order_id = event.order_id
      order by event.order_id, event.seq
      returning 1
    )
    select count(*)::int4 as events,
      set_config('synchronous_commit', 'remote_apply', true) as durability
    from again`,
  parameters: ["int4"],
  columns: { events: "int4", durability: "text" },
});
