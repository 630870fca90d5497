-- Whose money it is, by the gateway's own name for it: for news that do not carry our reference, such as a dispute.
create table captures (
    account         text not null,
    money_reference text not null,
    order_id        bigint not null,
    payment         integer not null,
    primary key (account, money_reference)
);

insert into captures (account, money_reference, order_id, payment)
select p.account, c->>'reference', p.order_id, p.number
from payments p, jsonb_array_elements(p.captures::jsonb) c where p.captures is not null
on conflict do nothing;
