//! Reading maps from JSON without losing anything silently: no key twice, no more than a bound.
//! It must not know what the maps hold.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{Deserialize, Deserializer, de};

/// Lets a struct be read from an object only: what serde derives would take an array of its fields,
/// too. The struct derives `Deserialize` with `#[serde(remote = "Self")]`.
macro_rules! read_from_objects {
    ($($name:ident)*) => {
        $(impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl<'de> serde::de::Visitor<'de> for Visitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }
                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        map: A,
                    ) -> Result<Self::Value, A::Error> {
                        $name::deserialize(serde::de::value::MapAccessDeserializer::new(map))
                    }
                }
                deserializer.deserialize_map(Visitor)
            }
        })*
    };
}
pub(crate) use read_from_objects;

/// Reads a map of at most `max` entries; a key given twice is an error, where serde would keep
/// the last one silently.
///
/// # Errors
/// The deserializer's, too many entries, or a duplicate key.
pub(crate) fn map<'de, D, K, V>(deserializer: D, max: usize) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord + fmt::Debug,
    V: Deserialize<'de>,
{
    struct Visitor<K, V>(usize, PhantomData<(K, V)>);
    impl<'de, K, V> de::Visitor<'de> for Visitor<K, V>
    where
        K: Deserialize<'de> + Ord + fmt::Debug,
        V: Deserialize<'de>,
    {
        type Value = BTreeMap<K, V>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "an object of at most {} entries", self.0)
        }
        fn visit_map<A: de::MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some(key) = access.next_key::<K>()? {
                if map.len() == self.0 {
                    return Err(de::Error::custom(format!("more than {} entries", self.0)));
                }
                if map.contains_key(&key) {
                    return Err(de::Error::custom(format!("duplicate field {key:?}")));
                }
                let value = access.next_value()?;
                map.insert(key, value);
            }
            Ok(map)
        }
    }
    deserializer.deserialize_map(Visitor(max, PhantomData))
}
