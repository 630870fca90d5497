-- Mails to operators about discrepancies, as they were about to leave: in an hour so many by themselves, and the others gathered in one notice (kind 5 of
-- operator_notices, whose since is the hour).
create table operator_letters (
    order_id        bigint not null,
    sequence        integer not null,
    at              timestamptz not null,
    gathered        boolean not null,
    primary key (order_id, sequence)
);
create index operator_letters_at on operator_letters (at);
