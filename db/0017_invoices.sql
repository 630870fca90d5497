-- Invoices and credit notes, and what they need of orders and products.

alter table orders add billing text;        -- JSON of who pays: address, state, tax_id; null: nothing stated

alter table products add hsn text, add tax_basis_points integer;

-- Taking a number locks its series: who takes one and does not commit gives it back.
create table invoice_series (
    series          text primary key,       -- prefix and fiscal year: INV-2627
    last            bigint not null,
    last_at         timestamptz not null    -- so that numbers and dates ascend together, whatever a node's clock says
);

create table invoices (
    series          text not null,
    place           bigint not null,        -- 1..n within the series
    number          text not null unique,
    kind            smallint not null,      -- 0 an invoice, 1 a credit note
    order_id        bigint not null,
    payment         integer not null,       -- the accepted one
    refund          integer,                -- of a credit note
    currency        text not null,
    total           bigint not null,
    issued_at       timestamptz not null,
    document        text not null,          -- JSON: all that is printed, frozen
    voided_at       timestamptz,            -- a credit note whose refund failed after all; the number explains itself
    primary key (series, place),
    check ((kind = 1) = (refund is not null))
);
create unique index invoices_of_order on invoices (order_id) where kind = 0;
create unique index invoices_of_refund on invoices (order_id, refund) where kind = 1 and voided_at is null;
create index invoices_newest on invoices (kind, issued_at desc, number desc);
create trigger invoices_stay before delete or truncate on invoices for each statement execute function refuse_change();
