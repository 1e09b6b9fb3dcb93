-- Several projectors share the partitions: a checkpoint is also a lease, and `epoch` fences whoever held it before.

alter table checkpoints
    add column epoch bigint not null default 0,
    add column owner text collate "C",
    add column lease_until timestamptz,
    add column crc bigint,
    add column stopped text,
    add column voided bigint not null default 0;
comment on column checkpoints.epoch is 'goes up with each change of owner; every write names the epoch it belongs to';
comment on column checkpoints.lease_until is 'by this database''s clock: from then on others may take the partition';
comment on column checkpoints.crc is 'CRC-32 of the last applied record: the log must still hold that record there';
comment on column checkpoints.stopped is 'why the owner does not go on, and where; null while it does';

create table projectors (
    name text collate "C" primary key,
    alive_until timestamptz not null
);
comment on table projectors is 'Who shares the partitions; a projector that has stopped in order is not here.';

create table ownership_log (
    topic text not null,
    partition int not null,
    epoch bigint not null,
    owner text collate "C" not null,
    acquired_at timestamptz not null default clock_timestamp(),
    from_offset bigint not null,
    primary key (topic, partition, epoch)
);
comment on table ownership_log is 'One owner an epoch: the key says so.';
