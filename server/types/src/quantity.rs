//! Kubernetes quantities: `500m` of a CPU, `64Mi` of memory.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a text is not a quantity.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("'{0}' is not a quantity: use a number with an optional suffix, such as 500m, 2, 64Mi, 1G")]
pub struct QuantityError(pub String);

/// Thousandths of a CPU.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CpuMilli(pub u32);

/// Bytes of memory or disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MemoryBytes(pub u64);

/// Splits a quantity into its number and the factor of its suffix.
fn parse(text: &str) -> Result<f64, QuantityError> {
    let wrong = || QuantityError(text.chars().take(40).collect());
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(end).ok_or_else(wrong)?;
    let factor = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        "Pi" => 1_125_899_906_842_624.0,
        exponent => {
            let power = exponent
                .strip_prefix(['e', 'E'])
                .and_then(|p| p.parse::<i32>().ok())
                .filter(|p| (-9..=18).contains(p));
            10f64.powi(power.ok_or_else(wrong)?)
        }
    };
    number
        .parse::<f64>()
        .map(|n| n * factor)
        .map_err(|_| wrong())
}

impl CpuMilli {
    /// Reads Kubernetes' form; fractions of a thousandth round up.
    ///
    /// # Errors
    /// [`QuantityError`] when the text is no quantity.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        Ok(Self((parse(text.trim())? * 1000.0).ceil() as u32))
    }
}

impl MemoryBytes {
    /// Reads Kubernetes' form; fractions of a byte round up.
    ///
    /// # Errors
    /// [`QuantityError`] when the text is no quantity.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        Ok(Self(parse(text.trim())?.ceil() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_read_as_kubernetes_reads_them() {
        assert_eq!(CpuMilli::parse("500m"), Ok(CpuMilli(500)));
        assert_eq!(CpuMilli::parse("1.5"), Ok(CpuMilli(1500)));
        assert_eq!(MemoryBytes::parse("64Mi"), Ok(MemoryBytes(67_108_864)));
        assert_eq!(MemoryBytes::parse("1e3"), Ok(MemoryBytes(1000)));
        for bad in ["", "-1", "1 Gi", "MiB", "1.2.3", "ten"] {
            assert!(MemoryBytes::parse(bad).is_err(), "{bad}");
        }
    }
}
