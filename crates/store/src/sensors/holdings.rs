//! Which containers and images the engine of a sensor has. An image is current while any engine has
//! it; a container that its engine no longer has is deleted.

use parapet_model::AssetNo;
use parapet_model::asset::AssetKind;

use crate::error::Result;
use crate::session::Session;
use crate::sql::args;
use crate::tx::Tx;

const OF_SENSOR: &str = "SELECT h.asset, h.pins, t.kind FROM sensor_holding h JOIN asset t ON t.no = h.asset \
     WHERE h.sensor = $1 ORDER BY h.asset";
const OTHERS: &str =
    "SELECT sensor FROM sensor_holding WHERE asset = $1 AND sensor <> $2 ORDER BY sensor LIMIT 1";
const HOLD: &str =
    "INSERT INTO sensor_holding (sensor, asset, pins) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
const LET_GO: &str = "DELETE FROM sensor_holding WHERE sensor = $1 AND asset = $2";
const HAND_OVER: &str = "UPDATE sensor_holding SET pins = 1 WHERE asset = $1";

/// Something an engine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// The container or image.
    pub asset: AssetNo,
    /// Which of the two.
    pub kind: AssetKind,
    /// The image is kept current for this.
    pub pins: bool,
}

impl Session {
    /// What the engine of a sensor had, by number.
    pub async fn holdings(&mut self, sensor: u32) -> Result<Vec<Holding>> {
        let read = |row: &crate::sql::Row| {
            let mut f = row.fields("sensor_holding");
            Ok(Holding {
                asset: AssetNo(f.u32("asset")?),
                pins: f.bool("pins")?,
                kind: f.word("kind", AssetKind::from_number)?,
            })
        };
        self.fetch(OF_SENSOR, args![sensor]).await?.iter().map(read).collect()
    }

    /// Whether another sensor's engine has it.
    pub async fn held_elsewhere(&mut self, sensor: u32, asset: AssetNo) -> Result<bool> {
        Ok(self.fetch_one(OTHERS, args![asset, sensor]).await?.is_some())
    }
}

impl Tx {
    /// Notes that the engine of a sensor has an image, and keeps the image current.
    pub async fn hold_image(&mut self, sensor: u32, image: AssetNo, pinned: bool) -> Result<()> {
        if !pinned {
            self.set_pinned(image, true).await?;
        }
        self.execute(HOLD, args![sensor, image, !pinned]).await?;
        Ok(())
    }

    /// Notes that the engine of a sensor has a container.
    pub async fn hold_container(&mut self, sensor: u32, container: AssetNo) -> Result<()> {
        self.execute(HOLD, args![sensor, container, false]).await?;
        Ok(())
    }

    /// Notes that the engine of a sensor no longer has something: a container is deleted, an image
    /// stays current only for another reason.
    pub async fn release_holding(&mut self, sensor: u32, holding: Holding) -> Result<()> {
        self.execute(LET_GO, args![sensor, holding.asset]).await?;
        match holding.kind {
            AssetKind::Container => {
                self.delete_asset(holding.asset).await?;
            }
            AssetKind::Image if holding.pins => {
                if self.held_elsewhere(sensor, holding.asset).await? {
                    self.execute(HAND_OVER, args![holding.asset]).await?;
                } else {
                    self.set_pinned(holding.asset, false).await?;
                }
            }
            AssetKind::Image | AssetKind::Host => {}
        }
        Ok(())
    }
}
