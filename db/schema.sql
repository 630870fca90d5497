-- What the numbered files add up to. Written by SchemaTests with PURSER_UPDATE=1; not run by anything.

create sequence settlement_turns as bigint start 1 increment 1;

CREATE OR REPLACE FUNCTION public.chain_decision()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
    last record;
begin
    perform pg_advisory_xact_lock(262470);
    select d.number, d.hash into last from decisions d order by d.number desc limit 1;
    new.number := coalesce(last.number, 0) + 1;
    new.at := clock_timestamp();
    new.hash := sha256(coalesce(last.hash, '') || int8send(new.number) || timestamptz_send(new.at) || convert_to(new.about || chr(10) || coalesce(new.state, ''), 'UTF8'));
    return new;
end $function$
;

CREATE OR REPLACE FUNCTION public.file_state(f settlement_files)
 RETURNS jsonb
 LANGUAGE sql
 STABLE
AS $function$
    select row_state(f) - '{leased_by,leased_until,tries,advanced_at}'::text[] - case when f.state in (5, 6) then '{}' else
        '{state,read_at,done_at,rows_read,rows_stored,rows_acted,summary,covers_from,covers_to,paid_out,policy,refusal,refusal_row,refusal_column,preview,turn,key_bits,classes}'::text[] end
$function$
;

CREATE OR REPLACE FUNCTION public.move_decision_head()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
    update decision_head h set number = d.number, hash = d.hash from (select l.number, l.hash from decisions l order by l.number desc limit 1) d where d.number > h.number;
    return null;
end $function$
;

CREATE OR REPLACE FUNCTION public.posting_state(p settlement_postings)
 RETURNS jsonb
 LANGUAGE sql
 STABLE
 SET "TimeZone" TO 'UTC'
AS $function$select jsonb_build_array(p.row_key, p.line, p.ledger_account, p.amount, p.currency, p.posted_at)$function$
;

CREATE OR REPLACE FUNCTION public.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
    raise exception 'rows of % are never changed', tg_table_name;
end $function$
;

CREATE OR REPLACE FUNCTION public.row_state(r anyelement)
 RETURNS jsonb
 LANGUAGE sql
 STABLE
 SET "TimeZone" TO 'UTC'
 SET bytea_output TO 'hex'
AS $function$select to_jsonb(r)$function$
;

create table anchors (
  day date not null,
  orders bigint not null,
  events bigint not null,
  hash bytea not null,
  made_at timestamp with time zone not null,
  decisions bigint,
  constraint anchors_pkey PRIMARY KEY (day)
);

create table api_keys (
  id integer generated always as identity not null,
  name text not null,
  kind smallint not null,
  hash bytea not null,
  hint text not null,
  origins text[] default '{}'::text[] not null,
  created_at timestamp with time zone not null,
  revoked_at timestamp with time zone,
  person text,
  constraint api_keys_pkey PRIMARY KEY (id),
  constraint api_keys_hash_key UNIQUE (hash)
);

create table audit_log (
  id bigint generated always as identity not null,
  at timestamp with time zone not null,
  by_whom text not null,
  action text not null,
  subject text not null,
  reason text not null,
  detail text not null,
  policy integer,
  key_id integer,
  constraint audit_log_pkey PRIMARY KEY (id)
);
CREATE TRIGGER audit_log_is_final BEFORE DELETE OR UPDATE OR TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

create table captures (
  account text not null,
  money_reference text not null,
  order_id bigint not null,
  payment integer not null,
  due_on date,
  settled_on date,
  constraint captures_pkey PRIMARY KEY (account, money_reference)
);
CREATE INDEX captures_due ON captures USING btree (account, due_on) WHERE ((due_on IS NOT NULL) AND (settled_on IS NULL));

create table decision_head (
  one boolean default true not null,
  number bigint not null,
  hash bytea not null,
  constraint decision_head_pkey PRIMARY KEY (one),
  constraint decision_head_one_check CHECK (one)
);

create table decisions (
  number bigint not null,
  at timestamp with time zone not null,
  about text not null,
  state text,
  hash bytea not null,
  constraint decisions_pkey PRIMARY KEY (number)
);
CREATE INDEX decisions_at ON decisions USING btree (at, number);
CREATE TRIGGER decisions_are_chained BEFORE INSERT ON decisions FOR EACH ROW EXECUTE FUNCTION chain_decision();
CREATE TRIGGER decisions_are_final BEFORE DELETE OR UPDATE OR TRUNCATE ON decisions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER decisions_move_the_head AFTER INSERT ON decisions FOR EACH STATEMENT EXECUTE FUNCTION move_decision_head();

create table deliveries (
  order_id bigint not null,
  sequence integer not null,
  receiver integer not null,
  at timestamp with time zone not null,
  state smallint default 0 not null,
  due_at timestamp with time zone not null,
  leased_until timestamp with time zone,
  attempts integer default 0 not null,
  failures integer default 0 not null,
  ended_at timestamp with time zone,
  outcome text,
  constraint deliveries_pkey PRIMARY KEY (order_id, sequence, receiver)
) with (fillfactor=80);
CREATE INDEX deliveries_dead ON deliveries USING btree (receiver, at) WHERE (state = 2);
CREATE INDEX deliveries_due ON deliveries USING btree (receiver, due_at, order_id, sequence) WHERE (state = 0);

create table delivery_attempts (
  order_id bigint not null,
  sequence integer not null,
  receiver integer not null,
  number integer not null,
  sent_at timestamp with time zone not null,
  took_ms integer not null,
  url text not null,
  signature text not null,
  status integer,
  trouble text,
  answer text,
  constraint delivery_attempts_pkey PRIMARY KEY (order_id, sequence, receiver, number)
);
CREATE INDEX delivery_attempts_age ON delivery_attempts USING brin (sent_at);

create table discrepancies (
  order_id bigint not null,
  sequence integer not null,
  payment integer not null,
  kind smallint not null,
  money_reference text,
  amount bigint not null,
  currency text not null,
  owner text default 'operator'::text not null,
  opened_at timestamp with time zone not null,
  resolved_at timestamp with time zone,
  resolution text,
  constraint discrepancies_pkey PRIMARY KEY (order_id, sequence)
);
CREATE INDEX discrepancies_closed ON discrepancies USING btree (opened_at, order_id, sequence) WHERE (resolved_at IS NOT NULL);
CREATE INDEX discrepancies_open ON discrepancies USING btree (opened_at) WHERE (resolved_at IS NULL);

create table events (
  order_id bigint not null,
  sequence integer not null,
  type smallint not null,
  at timestamp with time zone not null,
  data text not null,
  hash bytea default '\x'::bytea not null,
  recorded_at timestamp with time zone default clock_timestamp() not null,
  constraint events_pkey PRIMARY KEY (order_id, sequence)
);
CREATE INDEX events_at ON events USING brin (at);
CREATE INDEX events_feed ON events USING btree (recorded_at, order_id, sequence);

create table gateway_calls (
  id bigint generated always as identity not null,
  order_id bigint not null,
  payment integer not null,
  call text not null,
  raw_key text not null,
  account text not null,
  sent_at timestamp with time zone not null,
  took_ms integer not null,
  outcome text not null,
  request text not null,
  answer text not null,
  constraint gateway_calls_pkey PRIMARY KEY (id)
);
CREATE INDEX gateway_calls_order ON gateway_calls USING btree (order_id, payment);

create table gateway_news (
  account text not null,
  event_id text not null,
  event_type text not null,
  received_at timestamp with time zone not null,
  verdict smallint not null,
  reason text,
  order_id bigint,
  payment integer,
  headers text not null,
  body bytea not null,
  readings smallint default 0 not null,
  constraint gateway_news_pkey PRIMARY KEY (account, event_id)
);
CREATE INDEX gateway_news_quarantine ON gateway_news USING btree (received_at) WHERE (verdict = 2);

create table installation (
  name text not null,
  value bytea not null,
  constraint installation_pkey PRIMARY KEY (name)
);

create table invoice_series (
  series text not null,
  last bigint not null,
  last_at timestamp with time zone not null,
  skipped bigint default 0 not null,
  constraint invoice_series_pkey PRIMARY KEY (series)
);

create table invoices (
  series text not null,
  place bigint not null,
  number text not null,
  kind smallint not null,
  order_id bigint not null,
  payment integer not null,
  refund integer,
  currency text not null,
  total bigint not null,
  issued_at timestamp with time zone not null,
  document text not null,
  voided_at timestamp with time zone,
  constraint invoices_pkey PRIMARY KEY (series, place),
  constraint invoices_number_key UNIQUE (number),
  constraint invoices_refund_is_credited CHECK (((kind = 1) OR (refund IS NULL)))
);
CREATE INDEX invoices_newest ON invoices USING btree (kind, issued_at DESC, number DESC);
CREATE UNIQUE INDEX invoices_of_cancelled ON invoices USING btree (order_id) WHERE ((kind = 1) AND (refund IS NULL) AND (voided_at IS NULL));
CREATE UNIQUE INDEX invoices_of_order ON invoices USING btree (order_id) WHERE (kind = 0);
CREATE UNIQUE INDEX invoices_of_refund ON invoices USING btree (order_id, refund) WHERE ((kind = 1) AND (voided_at IS NULL));
CREATE TRIGGER invoices_stay BEFORE DELETE OR TRUNCATE ON invoices FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

create table operator_letters (
  order_id bigint not null,
  sequence integer not null,
  at timestamp with time zone not null,
  gathered boolean not null,
  constraint operator_letters_pkey PRIMARY KEY (order_id, sequence)
);
CREATE INDEX operator_letters_at ON operator_letters USING btree (at);

create table operator_notices (
  number bigint generated always as identity not null,
  kind smallint not null,
  receiver integer,
  since timestamp with time zone not null,
  at timestamp with time zone not null,
  state smallint default 0 not null,
  due_at timestamp with time zone not null,
  leased_until timestamp with time zone,
  failures integer default 0 not null,
  ended_at timestamp with time zone,
  outcome text,
  file bigint,
  account text,
  what text,
  constraint operator_notices_pkey PRIMARY KEY (number),
  constraint operator_notices_kind_receiver_since_key UNIQUE (kind, receiver, since)
);
CREATE UNIQUE INDEX operator_notices_account ON operator_notices USING btree (account, kind, since);
CREATE INDEX operator_notices_due ON operator_notices USING btree (due_at) WHERE (state = 0);
CREATE UNIQUE INDEX operator_notices_file ON operator_notices USING btree (file);

create table order_resolutions (
  order_id bigint not null,
  sequence integer not null,
  action text not null,
  by_first text not null,
  by_second text,
  reason text not null,
  decided_at timestamp with time zone,
  done_at timestamp with time zone,
  policy integer,
  undo_at timestamp with time zone,
  undo_by text,
  undo_reason text,
  key_first integer,
  key_second integer,
  seen_amounts bigint[],
  seen_currencies text[],
  constraint order_resolutions_pkey PRIMARY KEY (order_id, sequence)
);
CREATE INDEX order_resolutions_decided ON order_resolutions USING btree (decided_at) WHERE (((decided_at IS NOT NULL) AND (done_at IS NULL)) OR (undo_at IS NOT NULL));

create table orders (
  id bigint not null,
  reference text,
  fingerprint bytea not null,
  amount bigint not null,
  currency text not null,
  description text not null,
  customer_name text,
  customer_email text,
  customer_phone text,
  user_id text,
  return_url text,
  lines text not null,
  metadata text not null,
  late_policy smallint not null,
  duplicate_policy smallint not null,
  second_link boolean not null,
  status smallint not null,
  late boolean default false not null,
  paid_by integer,
  captured bigint default 0 not null,
  refunding bigint default 0 not null,
  sequence integer not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  closing_at timestamp with time zone,
  ended_at timestamp with time zone,
  fulfilled_at timestamp with time zone,
  wake_at timestamp with time zone,
  customer_country text,
  hash bytea default '\x'::bytea not null,
  locale text,
  billing text,
  failed_policy smallint default 0 not null,
  constraint orders_pkey PRIMARY KEY (id),
  constraint orders_amount_check CHECK ((amount > 0)),
  constraint orders_check CHECK (((status = 1) = (paid_by IS NOT NULL))),
  constraint orders_check1 CHECK (((status <> 0) OR (wake_at IS NOT NULL))),
  constraint orders_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
  constraint orders_customer_country_check CHECK ((customer_country ~ '^[A-Z]{2}$'::text)),
  constraint orders_status_check CHECK (((status >= 0) AND (status <= 3)))
) with (fillfactor=80);
CREATE UNIQUE INDEX orders_reference ON orders USING btree (reference) WHERE (reference IS NOT NULL);
CREATE INDEX orders_unfulfilled ON orders USING btree (ended_at) WHERE ((status = 1) AND (fulfilled_at IS NULL));
CREATE INDEX orders_wake ON orders USING btree (wake_at) WHERE (wake_at IS NOT NULL);

create table payments (
  order_id bigint not null,
  number integer not null,
  account text not null,
  status smallint not null,
  amount bigint not null,
  currency text not null,
  method text,
  return_url text not null,
  started_at timestamp with time zone not null,
  link_expires_at timestamp with time zone not null,
  asked_at timestamp with time zone not null,
  asks integer not null,
  refused_asks integer not null,
  gateway_reference text,
  link_url text,
  link_fields text,
  link_opened_at timestamp with time zone,
  processing_at timestamp with time zone,
  clear_at timestamp with time zone,
  decline text,
  declined_at timestamp with time zone,
  captures text,
  reversals text,
  fee bigint,
  tax bigint,
  reason text,
  look_at timestamp with time zone,
  looked_at timestamp with time zone,
  absent_first_at timestamp with time zone,
  absent_last_at timestamp with time zone,
  cancel_asked boolean not null,
  contradicted boolean not null,
  dispute smallint not null,
  discrepancy smallint,
  routed boolean default false not null,
  outside_refunds text,
  answers text,
  handed_at timestamp with time zone,
  back_at timestamp with time zone,
  open_until timestamp with time zone,
  heard_at timestamp with time zone,
  denied text,
  disputes text,
  reversed text,
  ended_at timestamp with time zone,
  declined_try text,
  constraint payments_pkey PRIMARY KEY (order_id, number),
  constraint payments_check CHECK (((status <> ALL (ARRAY[0, 1, 2, 3])) OR (look_at IS NOT NULL))),
  constraint payments_number_check CHECK ((number >= 1)),
  constraint payments_status_check CHECK (((status >= 0) AND (status <= 8)))
) with (fillfactor=70);
CREATE INDEX payments_disputed ON payments USING btree (order_id) WHERE (dispute = 1);
CREATE UNIQUE INDEX payments_link ON payments USING btree (gateway_reference, account) WHERE (gateway_reference IS NOT NULL);

create table postings (
  order_id bigint not null,
  sequence integer not null,
  line integer not null,
  account text not null,
  amount bigint not null,
  currency text not null,
  constraint postings_pkey PRIMARY KEY (order_id, sequence, line)
);

create table products (
  id text not null,
  name text not null,
  unit_amount bigint not null,
  currency text not null,
  description text,
  active boolean default true not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  hsn text,
  tax_basis_points integer,
  constraint products_pkey PRIMARY KEY (id),
  constraint products_unit_amount_check CHECK ((unit_amount > 0))
);

create table reconciliation_policies (
  version integer generated always as identity not null,
  content text not null,
  since timestamp with time zone not null,
  constraint reconciliation_policies_pkey PRIMARY KEY (version),
  constraint reconciliation_policies_content_key UNIQUE (content)
);

create table refunds (
  order_id bigint not null,
  number integer not null,
  payment integer not null,
  money_reference text not null,
  amount bigint not null,
  currency text not null,
  reason smallint not null,
  status smallint not null,
  requested_at timestamp with time zone not null,
  note text,
  asked_at timestamp with time zone default clock_timestamp() not null,
  asks integer default 0 not null,
  unsent_asks integer default 0 not null,
  refund_reference text,
  bank_reference text,
  done_at timestamp with time zone,
  why text,
  rejected boolean default false not null,
  look_at timestamp with time zone,
  looked_at timestamp with time zone,
  absent_first_at timestamp with time zone,
  absent_last_at timestamp with time zone,
  settled text,
  settled_otherwise boolean default false not null,
  not_settled boolean default false not null,
  heard_at timestamp with time zone,
  came_back boolean default false not null,
  asks_by_itself boolean default false not null,
  returned text,
  constraint refunds_pkey PRIMARY KEY (order_id, number),
  constraint refunds_amount_check CHECK ((amount > 0))
);
CREATE INDEX refunds_endless ON refunds USING btree (order_id, number) WHERE (status <= 2);
CREATE INDEX refunds_reference ON refunds USING btree (refund_reference) WHERE (refund_reference IS NOT NULL);
CREATE INDEX refunds_unsettled ON refunds USING btree (order_id, number) WHERE ((status = 3) AND (settled IS NULL) AND (NOT not_settled));

create table request_keys (
  api_key_id integer not null,
  key text not null,
  fingerprint bytea not null,
  resource text not null,
  created_at timestamp with time zone not null,
  constraint request_keys_pkey PRIMARY KEY (api_key_id, key)
);

create table schema_migrations (
  number integer not null,
  name text not null,
  sha256 text not null,
  applied_at timestamp with time zone default now() not null,
  constraint schema_migrations_pkey PRIMARY KEY (number)
);

create table settlement_discrepancies (
  id bigint generated always as identity not null,
  account text not null,
  row_key text not null,
  class smallint not null,
  file bigint not null,
  number integer not null,
  amount bigint not null,
  currency text not null,
  owner text default 'operator'::text not null,
  proposal text not null,
  opened_at timestamp with time zone not null,
  resolution text,
  reason text,
  by_first text,
  by_second text,
  resolved_at timestamp with time zone,
  final boolean default false not null,
  decided_at timestamp with time zone,
  policy integer,
  key_first integer,
  key_second integer,
  booked boolean default false not null,
  again_of text,
  named_file bigint,
  named_number integer,
  constraint settlement_discrepancies_pkey PRIMARY KEY (id),
  constraint settlement_discrepancies_account_row_key_class_key UNIQUE (account, row_key, class)
);
CREATE INDEX settlement_discrepancies_again ON settlement_discrepancies USING btree (account, again_of) WHERE (again_of IS NOT NULL);
CREATE INDEX settlement_discrepancies_answered ON settlement_discrepancies USING btree (id) WHERE ((resolved_at IS NOT NULL) AND (NOT final));
CREATE INDEX settlement_discrepancies_closed ON settlement_discrepancies USING btree (opened_at, id) WHERE (resolved_at IS NOT NULL);
CREATE INDEX settlement_discrepancies_closed_of ON settlement_discrepancies USING btree (account, opened_at, id) WHERE (resolved_at IS NOT NULL);
CREATE INDEX settlement_discrepancies_decided ON settlement_discrepancies USING btree (decided_at) WHERE ((decided_at IS NOT NULL) AND (resolved_at IS NULL));
CREATE INDEX settlement_discrepancies_open ON settlement_discrepancies USING btree (opened_at) WHERE (resolved_at IS NULL);
CREATE INDEX settlement_discrepancies_unanswered ON settlement_discrepancies USING btree (id) WHERE (resolved_at IS NULL);

create table settlement_fetches (
  account text not null,
  day date not null,
  asked_at timestamp with time zone,
  file bigint,
  complete boolean default false not null,
  why text,
  leased_until timestamp with time zone,
  constraint settlement_fetches_pkey PRIMARY KEY (account, day)
);

create table settlement_file_parts (
  file bigint not null,
  part integer not null,
  bytes bytea not null,
  constraint settlement_file_parts_pkey PRIMARY KEY (file, part)
);

create table settlement_files (
  id bigint generated always as identity not null,
  account text not null,
  sha256 bytea not null,
  name text not null,
  source smallint not null,
  bytes bigint not null,
  received_at timestamp with time zone not null,
  dry_run boolean not null,
  state smallint not null,
  read_at timestamp with time zone,
  done_at timestamp with time zone,
  rows_read integer default 0 not null,
  rows_stored integer default 0 not null,
  rows_acted integer default 0 not null,
  tries integer default 0 not null,
  summary text,
  covers_from date,
  covers_to date,
  paid_out boolean,
  policy integer,
  refusal text,
  refusal_row integer,
  refusal_column text,
  leased_by text,
  leased_until timestamp with time zone,
  preview text,
  turn bigint,
  key_bits smallint,
  classes bytea,
  advanced_at timestamp with time zone,
  dismissed_at timestamp with time zone,
  lacks text,
  constraint settlement_files_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX settlement_files_at_work ON settlement_files USING btree (account) WHERE ((turn IS NOT NULL) AND (NOT dry_run) AND (state <> ALL (ARRAY[5, 6])));
CREATE UNIQUE INDEX settlement_files_bytes ON settlement_files USING btree (account, sha256) WHERE (NOT dry_run);
CREATE INDEX settlement_files_open ON settlement_files USING btree (account, id) WHERE (state <> ALL (ARRAY[5, 6]));
CREATE INDEX settlement_files_refused ON settlement_files USING btree (account, id) WHERE ((state = 6) AND (NOT dry_run) AND (dismissed_at IS NULL));

create table settlement_key_groups (
  file bigint not null,
  "group" integer not null,
  keys bytea not null,
  constraint settlement_key_groups_pkey PRIMARY KEY (file, "group")
);

create table settlement_keys (
  file bigint not null,
  first integer not null,
  keys bytea not null,
  constraint settlement_keys_pkey PRIMARY KEY (file, first)
);

create table settlement_lines (
  file bigint not null,
  number integer not null,
  "row" integer not null,
  kind smallint not null,
  class smallint not null,
  row_key text not null,
  amount bigint not null,
  currency text not null,
  net bigint not null,
  net_currency text not null,
  fee bigint,
  tax bigint,
  order_id bigint,
  payment integer,
  refund integer,
  money_reference text,
  refund_reference text,
  happened_at timestamp with time zone,
  settled_on date,
  payout_reference text,
  method text,
  note text,
  was_file bigint,
  was_number integer,
  extra text,
  constraint settlement_lines_pkey PRIMARY KEY (file, number)
) with (fillfactor=95);

create table settlement_postings (
  account text not null,
  row_key text not null,
  line integer not null,
  ledger_account text not null,
  amount bigint not null,
  currency text not null,
  file bigint not null,
  posted_at timestamp with time zone not null,
  constraint settlement_postings_pkey PRIMARY KEY (account, row_key, line)
);

create table webhook_endpoints (
  number integer generated always as identity not null,
  id text not null,
  url text not null,
  description text,
  types smallint[],
  ordered boolean not null,
  status smallint default 0 not null,
  paused_because text,
  failing_since timestamp with time zone,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  kind smallint default 0 not null,
  public_key text,
  constraint webhook_endpoints_pkey PRIMARY KEY (number),
  constraint webhook_endpoints_id_key UNIQUE (id)
);

create table webhook_secrets (
  receiver integer not null,
  number integer not null,
  sealed text not null,
  created_at timestamp with time zone not null,
  ends_at timestamp with time zone,
  constraint webhook_secrets_pkey PRIMARY KEY (receiver, number)
);

create view decided as
 SELECT ('settlement_discrepancies/'::text || d.id) AS about,
    row_state(d.*) AS state
   FROM settlement_discrepancies d
UNION ALL
 SELECT ((('order_resolutions/'::text || r.order_id) || '_'::text) || r.sequence) AS about,
    row_state(r.*) AS state
   FROM order_resolutions r
UNION ALL
 SELECT ('reconciliation_policies/'::text || p.version) AS about,
    row_state(p.*) AS state
   FROM reconciliation_policies p
UNION ALL
 SELECT ('audit_log/'::text || a.id) AS about,
    row_state(a.*) AS state
   FROM audit_log a
  WHERE (a.by_whom <> 'purser'::text)
UNION ALL
 SELECT ('settlement_files/'::text || f.id) AS about,
    file_state(f.*) AS state
   FROM settlement_files f
  WHERE (NOT f.dry_run);

create view ledger as
 SELECT e.at,
    p.order_id AS entry,
    p.sequence,
    p.line,
    p.order_id,
    e.type,
    p.account,
    p.amount,
    p.currency,
    NULL::text AS gateway,
    NULL::text AS row_key
   FROM (postings p
     LEFT JOIN events e ON (((e.order_id = p.order_id) AND (e.sequence = p.sequence))))
UNION ALL
 SELECT s.posted_at AS at,
    (hashtextextended(((s.account || chr(10)) || s.row_key), (0)::bigint) & '9223372036854775807'::bigint) AS entry,
    0 AS sequence,
    s.line,
    NULL::bigint AS order_id,
    NULL::smallint AS type,
    s.ledger_account AS account,
    s.amount,
    s.currency,
    s.account AS gateway,
    s.row_key
   FROM settlement_postings s;
