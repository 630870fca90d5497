-- What gateways state that they settled: files as they came, their lines in our words, and what does not agree and belongs to no order.

create table settlement_files (
    id              bigint generated always as identity primary key,
    account         text not null,
    sha256          bytea not null,
    name            text not null,          -- as its sender calls it; text to show, never a path
    source          smallint not null,      -- 0 upload, 1 command, 2 folder, 3 fetched
    bytes           bigint not null,
    received_at     timestamptz not null,
    dry_run         boolean not null,       -- matched, never acted on, and removed when the answer was read
    state           smallint not null,
    read_at         timestamptz,
    done_at         timestamptz,
    rows_read       integer not null default 0,
    rows_stored     integer not null default 0,
    rows_acted      integer not null default 0,
    tries           integer not null default 0,
    summary         text,                   -- JSON: lines and money by class
    covers_from     date,
    covers_to       date,
    paid_out        boolean,                -- its rows are those of payouts, and it has no rows for payouts of their own
    policy          integer,
    refusal         text,
    refusal_row     integer,
    refusal_column  text,
    leased_by       text,
    leased_until    timestamptz
);
-- The same bytes are the same file, for ever.
create unique index settlement_files_bytes on settlement_files (account, sha256) where not dry_run;
create index settlement_files_open on settlement_files (account, id) where state not in (5, 6);

create table settlement_file_parts (
    file            bigint not null,
    part            integer not null,       -- of 1 MiB each, from 0
    bytes           bytea not null,
    primary key (file, part)
);
-- Gateways' files are compressed or do not last long enough to be worth it; reading anywhere in them is quicker so.
alter table settlement_file_parts alter column bytes set storage external;

create table settlement_lines (
    file            bigint not null,
    number          integer not null,       -- among the file's lines about money, from 1
    "row"           integer not null,       -- in the file
    kind            smallint not null,
    class           smallint not null,
    row_key         text not null,
    amount          bigint not null,
    currency        text not null,
    net             bigint not null,
    net_currency    text not null,
    fee             bigint,
    tax             bigint,
    order_id        bigint,                 -- ours, where the row carries our reference
    payment         integer,
    refund          integer,
    money_reference text,
    refund_reference text,
    happened_at     timestamptz,
    settled_on      date,
    payout_reference text,
    method          text,
    note            text,
    was_file        bigint,                 -- of a row that came before with other content
    was_number      integer,
    primary key (file, number)
) with (fillfactor = 95);

-- Of each line 8 bytes that tell its key and 8 that tell its content, in the order of the lines: a new file is compared with these, and an
-- index over all keys, whose upkeep costs more than storing the lines, is not needed.
create table settlement_keys (
    file            bigint not null,
    first           integer not null,       -- the number of the first line of this piece
    keys            bytea not null,
    primary key (file, first)
);
alter table settlement_keys alter column keys set storage external;

-- What rows without an order mean for the books. The key makes each row count once, in whatever file it comes.
create table settlement_postings (
    account         text not null,
    row_key         text not null,
    line            integer not null,
    ledger_account  text not null,
    amount          bigint not null,
    currency        text not null,
    file            bigint not null,
    posted_at       timestamptz not null,
    primary key (account, row_key, line)
);

-- Whether an account's statements have rows for payouts or rows that are paid out; said by the first file and true for ever, so that no
-- payout is booked twice.
create table settlement_manners (
    account         text primary key,
    paid_out        boolean not null
);

create table settlement_discrepancies (
    id              bigint generated always as identity primary key,
    account         text not null,
    row_key         text not null,
    class           smallint not null,
    file            bigint not null,
    number          integer not null,
    amount          bigint not null,
    currency        text not null,
    owner           text not null default 'operator',
    proposal        text not null,
    opened_at       timestamptz not null,
    resolution      text,
    reason          text,
    by_first        text,                   -- who resolved it; the first of two where two are needed
    by_second       text,
    resolved_at     timestamptz,
    final           boolean not null default false,     -- money moved, so that it cannot be undone
    unique (account, row_key, class)
);
create index settlement_discrepancies_open on settlement_discrepancies (opened_at) where resolved_at is null;

-- Each distinct policy of this installation, numbered as it came into force.
create table reconciliation_policies (
    version         integer generated always as identity primary key,
    content         text not null unique,   -- JSON
    since           timestamptz not null
);

-- What was done, by whom and why. Only ever added to.
create table audit_log (
    id              bigint generated always as identity primary key,
    at              timestamptz not null,
    by_whom         text not null,
    action          text not null,
    subject         text not null,
    reason          text not null,
    detail          text not null,          -- JSON
    policy          integer
);
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'rows of % are never changed', tg_table_name;
end $$;
create trigger audit_log_is_final before update or delete or truncate on audit_log for each statement execute function refuse_change();

-- A day that an account's gateway was asked for. The lease makes two nodes ask once.
create table settlement_fetches (
    account         text not null,
    day             date not null,
    asked_at        timestamptz,
    file            bigint,
    complete        boolean not null default false,
    why             text,
    leased_until    timestamptz,
    primary key (account, day)
);
