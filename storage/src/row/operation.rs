//! Figures, models, leases and rejected lines as rows.

use super::{corrupt, read_time, read_time_or_null};
use crate::engine::Row;
use crate::{AlarmRecord, Error, HourRecord, Lease, ModelRecord, RejectedSample, StatsBucket};

pub(crate) fn read_stats(mut row: Row) -> Result<StatsBucket, Error> {
    let row = &mut row;
    Ok(StatsBucket {
        minute: read_time(row)?,
        requests: row.count()?,
        rejected: row.count()?,
        clients: row.count()?,
        alerts: row.count()?,
        blocks: row.count()?,
        stopped: row.count()?,
    })
}

pub(crate) fn read_hour(mut row: Row) -> Result<HourRecord, Error> {
    let row = &mut row;
    let (hour, requests, failed_sign_ins) = (read_time(row)?, row.count()?, row.count()?);
    let mut bound = || -> Result<Option<u64>, Error> {
        let bound = row.int_or_null()?;
        Ok(bound.map(|bound| u64::try_from(bound).unwrap_or(0)))
    };
    let of_requests = bound()?.zip(bound()?);
    let of_failed = bound()?.zip(bound()?);
    Ok(HourRecord {
        hour,
        requests,
        failed_sign_ins,
        usual: of_requests
            .zip(of_failed)
            .map(|(requests, failed)| [requests, failed]),
    })
}

pub(crate) fn read_alarm(mut row: Row) -> Result<AlarmRecord, Error> {
    let row = &mut row;
    Ok(AlarmRecord {
        name: row.text()?,
        source: row.text()?,
        since: read_time(row)?,
        severity: row.text()?,
        cause: row.text()?,
        setting: row.text()?,
        next: row.text()?,
        cleared_at: read_time_or_null(row)?,
    })
}

pub(crate) fn read_model(mut row: Row) -> Result<ModelRecord, Error> {
    let row = &mut row;
    Ok(ModelRecord {
        version: row.text()?,
        created_at: read_time(row)?,
        activated_at: read_time_or_null(row)?,
        retired_at: read_time_or_null(row)?,
        card: serde_json::from_str(&row.text()?).map_err(|error| corrupt("a model's card", error))?,
        // Another version may have looked at other things: what it saw is no reason to show no model.
        watch: row
            .text_or_null()?
            .and_then(|text| serde_json::from_str(&text).ok()),
    })
}

pub(crate) fn read_lease(mut row: Row) -> Result<Lease, Error> {
    let row = &mut row;
    Ok(Lease {
        name: row.text()?,
        holder: row.text()?,
        fence: row.count()?,
        until: read_time(row)?,
    })
}

pub(crate) fn read_rejected(mut row: Row) -> Result<RejectedSample, Error> {
    let row = &mut row;
    Ok(RejectedSample {
        at: read_time(row)?,
        source: row.text()?,
        line: row.count()?,
        reason: row.text()?,
        sample: row.text()?,
    })
}
