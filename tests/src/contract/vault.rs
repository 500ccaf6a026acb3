//! The contract of [`spillway::ports::KeyVault`].

use spillway::{
    domain::{AccountId, BucketId, SealedKey},
    ports::{KeyVault, ServiceAccountKey, VaultError},
};

/// All of it, on one vault.
pub async fn keeps_its_contract(vault: &dyn KeyVault) {
    gives_back_what_was_sealed(vault).await;
    two_seals_of_a_key_differ_and_hide_it(vault).await;
    opens_for_one_account_and_bucket_only(vault).await;
    refuses_a_seal_that_was_touched(vault).await;
    refuses_what_is_no_seal(vault).await;
}

fn id(id: &str) -> BucketId {
    BucketId(id.to_owned())
}

async fn seal(vault: &dyn KeyVault, account: u64, bucket: &str, key: &str) -> SealedKey {
    let key = ServiceAccountKey::new(key.to_owned());
    vault.seal(AccountId(account), &id(bucket), &key).await.unwrap()
}

async fn opens(vault: &dyn KeyVault, account: u64, bucket: &str, sealed: &SealedKey) -> Option<String> {
    match vault.open(AccountId(account), &id(bucket), sealed).await {
        Ok(key) => Some(key.expose().to_owned()),
        Err(VaultError::Unreadable { bucket: named }) if named == id(bucket) => None,
        Err(error) => panic!("{error}"),
    }
}

async fn gives_back_what_was_sealed(vault: &dyn KeyVault) {
    for key in ["", "{\"type\":\"service_account\"}", "\0\n☃", &"k".repeat(60_000)] {
        for bucket in ["main", "", "bücket/../\0"] {
            let sealed = seal(vault, u64::MAX, bucket, key).await;
            assert_eq!(opens(vault, u64::MAX, bucket, &sealed).await.as_deref(), Some(key));
        }
    }
}

async fn two_seals_of_a_key_differ_and_hide_it(vault: &dyn KeyVault) {
    let (first, second) =
        (seal(vault, 1, "main", "secretsecret").await, seal(vault, 1, "main", "secretsecret").await);
    assert_ne!(first, second);
    assert!(!first.0.contains("secret"));
    assert!(!format!("{first:?}").contains(&first.0), "not even the seal is shown");
}

async fn opens_for_one_account_and_bucket_only(vault: &dyn KeyVault) {
    let sealed = seal(vault, 12, "3", "key").await;
    for (account, bucket) in [(12, "4"), (13, "3"), (1, "23"), (123, ""), (12, ""), (12, "3\0"), (0, "3")] {
        assert_eq!(opens(vault, account, bucket, &sealed).await, None, "{account} {bucket}");
    }
}

async fn refuses_a_seal_that_was_touched(vault: &dyn KeyVault) {
    let sealed = seal(vault, 1, "main", "key").await;
    for at in 0..sealed.0.len() {
        let mut touched = sealed.0.clone().into_bytes();
        touched[at] = if touched[at] == b'A' { b'B' } else { b'A' };
        let touched = SealedKey(String::from_utf8(touched).unwrap());
        assert_eq!(opens(vault, 1, "main", &touched).await, None, "changed at {at}");
        let cut = SealedKey(sealed.0[..at].to_owned());
        assert_eq!(opens(vault, 1, "main", &cut).await, None, "cut at {at}");
    }
}

async fn refuses_what_is_no_seal(vault: &dyn KeyVault) {
    let long = format!("v1:{}", "A".repeat(100_000));
    let texts =
        ["", "v1:", "v1:AAAA", "v2:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "☃", "{}", "v1:☃", &long];
    for text in texts {
        assert_eq!(opens(vault, 1, "main", &SealedKey(text.to_owned())).await, None);
    }
}
