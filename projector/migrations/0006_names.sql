-- Players are found by the beginning of what they are called. Ids are found by the primary key of `players`.

create index profiles_called on profiles ((lower(username) collate "C")) where username is not null;
