-- What passed on the site in each of the latest hours, beside what is usual at that hour of the week.
CREATE TABLE hours (
    hour            INTEGER PRIMARY KEY NOT NULL, -- its beginning
    requests        INTEGER NOT NULL,
    failed          INTEGER NOT NULL, -- failed sign-ins
    requests_from   INTEGER, -- NULL before enough was seen to say what is usual
    requests_to     INTEGER,
    failed_from     INTEGER,
    failed_to       INTEGER
) STRICT;
