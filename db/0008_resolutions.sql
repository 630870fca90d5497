-- What persons decided about orders' discrepancies; the engine closes them, and this says who wanted it.
create table order_resolutions (
    order_id        bigint not null,
    sequence        integer not null,
    action          text not null,
    by_first        text not null,
    by_second       text,
    reason          text not null,
    primary key (order_id, sequence)
);

-- A gateway's profile says whether its statements have rows for payouts.
drop table settlement_manners;
